import { ModelError } from './model/errors';

/** Why a document is not scored, although nothing is broken. */
export type RefusalReason =
  | { readonly kind: 'too-large'; readonly bytes: number; readonly limitBytes: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'scheme' }
  | { readonly kind: 'language' }
  | { readonly kind: 'folder' }
  /** The model was not loaded: the machine has too little free memory for it, and nobody said to load it all the same. */
  | { readonly kind: 'memory'; readonly neededBytes: number; readonly freeBytes: number }
  /** The same, of a model beside the one of the settings: `neededBytes` is what is to be loaded, with the first model where that is not in memory. */
  | { readonly kind: 'second-memory'; readonly neededBytes: number; readonly freeBytes: number };

/** What whoever asked for scores is told; views say the reason in the user's language. */
export class Refusal extends ModelError {
  constructor(readonly reason: RefusalReason) {
    super(reason.kind === 'memory' || reason.kind === 'second-memory' ? 'out-of-memory' : 'unsupported', refusalText(reason));
  }
}

function refusalText(reason: RefusalReason): string {
  switch (reason.kind) {
    case 'too-large':
      return `The document has ${String(reason.bytes)} bytes, more than the limit of ${String(reason.limitBytes)} (tokenLens.largestDocumentBytes).`;
    case 'binary':
      return 'The document is binary: it holds NUL characters.';
    case 'scheme':
    case 'language':
      return `Documents of this ${reason.kind} are left out by the settings.`;
    case 'folder':
      return 'Documents in this folder are left out by the settings.';
    case 'memory':
      return (
        `Loading the model takes about ${megabytes(reason.neededBytes)} MB of memory, and ${megabytes(reason.freeBytes)} MB are free. ` +
        'Close other programs, or turn the lens off and on for a document to be asked whether to load it all the same.'
      );
    case 'second-memory':
      return (
        `Two models at once need about ${megabytes(reason.neededBytes)} MB more memory, and ${megabytes(reason.freeBytes)} MB are free. ` +
        'Close other programs, or choose a smaller model.'
      );
  }
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
