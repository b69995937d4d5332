/** The worked examples' names, for who asks for one. In the order of the list. */
export const exampleNames = ['cat', 'nine', 'name', 'import', 'detective', 'rhyme', 'sum', 'task'] as const;
export type ExampleName = (typeof exampleNames)[number];

/** What is opened beside the text: the distribution at the target; what in the context made it; or what the text after a piece is with other words in its place. */
export type ExampleView =
  | { readonly kind: 'panel' }
  | { readonly kind: 'context'; readonly section: 'lengths' }
  /** Each part is taken out, and later text moves up; the one that begins with `part` is shown by itself. */
  | { readonly kind: 'context'; readonly section: 'influence'; readonly part: string }
  | { readonly kind: 'instead'; readonly piece: string; readonly words: string };

/** A short text of ours in which one thing can be seen. */
export interface WorkedExample {
  /** Below samples/examples. */
  readonly file: string;
  /** As VS Code names it; long paragraphs are Markdown, which editors wrap. */
  readonly language: string;
  /** The cursor is put before the last place where this stands: a token begins there. */
  readonly target: string;
  readonly view: ExampleView;
  /** Words that are watched; undefined: what is watched stays. */
  readonly watched?: readonly string[];
}

export const workedExamples = {
  cat: { file: 'cat.txt', language: 'plaintext', target: ' mat', view: { kind: 'panel' } },
  nine: { file: 'nine.txt', language: 'plaintext', target: ' eighteen', view: { kind: 'panel' } },
  name: { file: 'keeper.md', language: 'markdown', target: ' Walter', view: { kind: 'context', section: 'lengths' } },
  import: {
    file: 'fingerprint.ts',
    language: 'typescript',
    target: 'Hash(',
    view: { kind: 'context', section: 'influence', part: 'import { createHash }' },
  },
  detective: {
    file: 'detective.md',
    language: 'markdown',
    target: ' Thomas',
    view: {
      kind: 'instead',
      piece:
        'Then Hale looked at the boots in the porch. The earth on them was still wet, and they had been left there by the man who cut the roses.\n\n',
      words: '',
    },
    watched: ['Martha', 'Thomas', 'Edward'],
  },
  rhyme: { file: 'rhyme.txt', language: 'plaintext', target: ' sleep', view: { kind: 'instead', piece: 'deep', words: 'dark' } },
  sum: {
    file: 'sum.md',
    language: 'markdown',
    target: '102',
    view: {
      kind: 'instead',
      piece: 'Working: 10 boxes hold 60 pens. 7 boxes hold 42 pens. Together that is 60 + 42 = 102 pens.\n',
      words: '',
    },
  },
  task: { file: 'task.txt', language: 'plaintext', target: ' wrote', view: { kind: 'context', section: 'lengths' } },
} as const satisfies Readonly<Record<ExampleName, WorkedExample>>;

/** With so many tokens at once, each of the texts is read in one window: with fewer, the sentences are not true. */
export const leastContextTokens = 512;

/**
 * What the bundled model makes of the examples, for the sentences about them; test/model/examples.test.ts holds it to the model. Bits are those of
 * float32 arithmetic, as the views that show them compute them. Percentages are rounded to what native arithmetic gives as well, whose
 * numbers the panel shows.
 */
export const exampleFigures = {
  cat: { matPercent: 30 },
  nine: { eighteenPercent: 0.5, spacePercent: 50, digitsPercent: 20, likelierTokens: 10 },
  name: { tokensBack: 243, bits: 0.2, withoutParagraphBits: 17 },
  import: { line: 3, bits: 0.01, effectBits: 6.4 },
  detective: { thomasPercent: 4, otherPercent: 1, clueBits: 0.2 },
  rhyme: { sleepPercent: 75, insteadPercent: 82 },
  sum: { bits: 1.1, withoutBits: 13, inWorkingBits: 6.1 },
  task: { bitsAfter: [12.6, 1.4, 0.8, 0.2], examples: [0, 1, 2, 4] },
} as const satisfies Readonly<Record<ExampleName, object>>;

/** UTF-16 offsets of the target, and of the piece of the text that the view is about; -1 where there is none. */
export function placesIn(text: string, { target, view }: WorkedExample): { readonly target: number; readonly piece: number } {
  const piece = view.kind === 'instead' ? view.piece : view.kind === 'context' && view.section === 'influence' ? view.part : undefined;
  return { target: text.lastIndexOf(target), piece: piece === undefined ? -1 : text.lastIndexOf(piece) };
}

export function exampleNamed(name: unknown): ExampleName | undefined {
  return exampleNames.find(each => each === name);
}
