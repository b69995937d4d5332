import type * as vscode from 'vscode';
import type { LensModel } from './lensModel';
import type { ReadyModel } from './modelSlots';
import { ModelError } from './model/errors';
import type { TextEdit } from './model/protocol';
import type { Pauses } from './pauses';

/** More than this are not kept until the model is asked next: the document is then sent whole. */
const mostEdits = 1000;
/** After so many deaths of the model process in a row the user is told instead of trying again. */
const mostDeaths = 3;

type CopiedDocument = Pick<vscode.TextDocument, 'version' | 'getText'> & { readonly uri: { toString(): string } };
type CopyModel = Pick<LensModel, 'ready' | 'deathsInARow' | 'close'>;

/** What the model process knows of the document. */
interface Sent {
  readonly process: Pick<ReadyModel, 'client' | 'generation' | 'description'>;
  readonly version: number;
}

/** The model process's copy of one document: sent whole once, then kept up to date by edits, just before something is asked about it. */
export class ModelCopy implements vscode.Disposable {
  readonly #document: CopiedDocument;
  readonly #model: CopyModel;
  readonly #pauses: Pauses;
  #sent: Sent | undefined;
  /** It is sent whole the next time: the process has another text, or too many edits were made. */
  #mustSendWhole = false;
  /** Made since the version that was sent, each on the text the one before it left. */
  #edits: TextEdit[] = [];
  #disposed = false;

  constructor(document: CopiedDocument, model: CopyModel, pauses: Pauses) {
    this.#document = document;
    this.#model = model;
    this.#pauses = pauses;
  }

  /** `changes`: from the last to the first, so that none moves another. */
  edited(changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
    if (!this.#sent || this.#mustSendWhole) return;
    if (this.#edits.length + changes.length > mostEdits) return this.#forgetEdits(true);
    for (const { rangeOffset: start, rangeLength, text } of changes) this.#edits.push({ start, end: start + rangeLength, text });
  }

  /**
   * Loads the model, brings its copy up to date and does the work; once more from the start when the process died. One that hung while it loaded
   * ('endless') would do so again.
   */
  async ask<T>(signal: AbortSignal, work: (model: ReadyModel, version: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const model = await this.#model.ready(signal);
        if (signal.aborted || this.#disposed) throw new ModelError('cancelled', 'Cancelled.');
        return await this.#pauses.time('model', () => work(model, this.#send(model)));
      } catch (error) {
        const { code } = ModelError.from(error);
        const again = code === 'exited' ? this.#model.deathsInARow < mostDeaths : code === 'out-of-step' && attempt === 1;
        if (signal.aborted || !again || attempt > mostDeaths) throw error;
        this.#forgetEdits(true); // the process that knew the document is gone, or knows another text
      }
    }
  }

  dispose(): void {
    this.#disposed = true;
    // Only a process that runs can know the document; none is started to be told.
    if (this.#sent) void this.#model.close(this.#document.uri.toString(), this.#sent.process);
  }

  /** Tells the model process what it does not know yet; calls arrive in the order they are made, so nobody waits. Returns the version. */
  #send(model: ReadyModel): number {
    const { client, generation, description } = model;
    const { key } = description;
    const { version } = this.#document;
    const document = this.#document.uri.toString();
    const text = this.#document.getText();
    const process = this.#sent?.process;
    const isKnown = process?.client === client && process.generation === generation && !this.#mustSendWhole;
    const known = isKnown ? this.#sent : undefined;
    const edits = this.#edits;
    this.#forgetEdits(false);
    this.#sent = { process: { client, generation, description }, version };
    const never = new AbortController().signal;
    // A failure shows in the call that follows: the process then has another version.
    if (!known) void client.call('open', { model: key, document, version, text }, never).catch(() => undefined);
    else if (known.version !== version) {
      void client
        .call('change', { model: key, document, fromVersion: known.version, version, edits, length: text.length }, never)
        .catch(() => undefined);
    }
    return version;
  }

  #forgetEdits(mustSendWhole: boolean): void {
    this.#edits = [];
    this.#mustSendWhole = mustSendWhole;
  }
}
