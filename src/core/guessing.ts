import type { Span } from './scores';

/**
 * Shannon's guessing game over the tokens of a passage, and what both players need in bits (Shannon 1951, "Prediction and entropy of printed
 * English": the text as the numbers of the guesses that were right).
 */

/** Tries at each place, unless fewer alternatives of the model are known. */
export const mostTries = 3;
/** At most about so many tokens are played. */
export const mostTokens = 150;
/** So many tokens are shown to begin with, fewer of a short passage. */
const shownTokens = 5;

/** `begins`: the text goes on with the guess, and the token with more. `case`: right but for upper and lower case. */
export const verdicts = ['right', 'begins', 'case', 'wrong'] as const;
export type Verdict = (typeof verdicts)[number];

/** Characters that no keyboard tells apart, as one; each stays one UTF-16 unit. */
function folded(text: string): string {
  return text
    .replaceAll(/\s/g, ' ')
    .replaceAll(/[‘’ʼ]/g, "'")
    .replaceAll(/[“”„]/g, '"')
    .replaceAll(/[‐‑–—−]/g, '-');
}

/**
 * A guess is right when the text goes on with it and it covers the token, whatever it says beyond. White space round the guess and before the token
 * does not count; upper and lower case do, as they do for the model. `rest`: the text from the token on. `tokenLength`: UTF-16.
 */
export function judge(guess: string, rest: string, tokenLength: number): Verdict {
  const wanted = folded(guess).trim();
  const text = folded(rest).trimStart();
  if (wanted === '') return 'wrong';
  const isCovered = wanted.length >= tokenLength - (rest.length - text.length);
  if (text.startsWith(wanted)) return isCovered ? 'right' : 'begins';
  return isCovered && text.slice(0, wanted.length).toLowerCase() === wanted.toLowerCase() ? 'case' : 'wrong';
}

/** How the guessing at one place went. */
export interface Answer {
  /** Guesses made. */
  readonly tries: number;
  /** Number of the one that was right, from 1. */
  readonly rightTry: number | undefined;
}

/**
 * Bits of each answer in order, as a code for the text: the number of the try that was right, or none, by the frequencies so far of these outcomes
 * (Krichevsky and Trofimov's estimate: each has half a count to begin with). Where none was right, any token that was not tried is as likely as
 * another.
 */
export function answerBits(answers: readonly Answer[], triesAllowed: number, vocabularySize: number): number[] {
  const counts = new Map<number | undefined, number>();
  return answers.map(({ tries, rightTry }, before) => {
    const count = counts.get(rightTry) ?? 0;
    counts.set(rightTry, count + 1);
    const bits = Math.log2(before + (triesAllowed + 1) / 2) - Math.log2(count + 0.5);
    return rightTry === undefined ? bits + Math.log2(vocabularySize - tries) : bits;
  });
}

/** One token as it was scored; offsets are of the passage. */
export interface GameToken extends Span {
  /** Undefined: not scored. */
  readonly surprisalBits: number | undefined;
  /** The model's most probable tokens here, the first of them first; undefined where one is no text. */
  readonly expected: readonly (string | undefined)[];
}

/** A text that does not change any more, and what is known of it. */
export interface GamePassage {
  readonly text: string;
  readonly tokens: readonly GameToken[];
  readonly vocabularySize: number;
  readonly triesAllowed: number;
}

/** A token that was asked for. */
export interface PlayedPlace {
  /** Index of the token. */
  readonly token: number;
  readonly learner: Answer;
  readonly model: Answer;
  readonly learnerBits: number;
  /** By the same rule as the learner's. */
  readonly modelBits: number;
  /** From the model's whole distribution. */
  readonly surprisalBits: number;
}

export interface Tried {
  readonly text: string;
  readonly verdict: Verdict;
}

/**
 * One game. All that a player does is to type something and to press Enter, so that the moves alone bring a game back. Tokens that nobody can type are
 * shown and not asked for: white space, pieces of a character, those without a score.
 */
export class GuessingGame {
  readonly passage: GamePassage;
  /** Indices of the tokens that are asked for. */
  readonly asked: readonly number[];
  readonly #moves: string[] = [];
  readonly #learner: Answer[] = [];
  readonly #model: readonly Answer[];
  #tries: Tried[] = [];
  #isRevealed = false;
  #isOver = false;

  constructor(passage: GamePassage) {
    this.passage = passage;
    const { tokens } = passage;
    const first = Math.min(shownTokens, Math.floor(tokens.length / 4));
    this.asked = tokens.flatMap((_, index) => (index >= first && canBeTyped(passage, index) ? [index] : []));
    this.#model = this.asked.map(index => modelAnswer(passage, index));
    this.#isOver = this.asked.length === 0;
  }

  get moves(): readonly string[] {
    return this.#moves;
  }

  /** The token that is asked for, or was last; undefined when the game is over. */
  get token(): number | undefined {
    return this.#isOver ? undefined : this.asked[this.place];
  }

  /** Among those that are asked for, from 0. */
  get place(): number {
    return this.#learner.length - Number(this.#isRevealed);
  }

  /** At this place. */
  get tries(): readonly Tried[] {
    return this.#tries;
  }

  /** The token is shown, and waits for Enter. */
  get isRevealed(): boolean {
    return this.#isRevealed;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Places that were played to their end. */
  get played(): readonly PlayedPlace[] {
    const { passage } = this;
    const models = this.#model.slice(0, this.#learner.length);
    const learnerBits = answerBits(this.#learner, passage.triesAllowed, passage.vocabularySize);
    const modelBits = answerBits(models, passage.triesAllowed, passage.vocabularySize);
    return this.#learner.map((learner, place) => {
      const token = this.asked[place] ?? 0;
      return {
        token,
        learner,
        model: models[place] ?? { tries: 0, rightTry: undefined },
        learnerBits: learnerBits[place] ?? 0,
        modelBits: modelBits[place] ?? 0,
        surprisalBits: passage.tokens[token]?.surprisalBits ?? NaN,
      };
    });
  }

  /** Nothing typed reveals the token; once it is revealed, Enter goes on. What was tried here before is no other try. */
  enter(typed: string): void {
    const { token } = this;
    if (token === undefined) return;
    this.#moves.push(typed);
    if (this.#isRevealed) {
      this.#isRevealed = false;
      this.#tries = [];
      this.#isOver = this.#learner.length === this.asked.length;
      return;
    }
    const text = typed.trim();
    if (text === '') return this.#reveal();
    if (this.#tries.some(tried => folded(tried.text) === folded(text))) return;
    const { start, end } = this.passage.tokens[token] ?? { start: 0, end: 0 };
    const verdict = judge(text, this.passage.text.slice(start), end - start);
    this.#tries = [...this.#tries, { text, verdict }];
    if (verdict === 'right' || this.#tries.length === this.passage.triesAllowed) this.#reveal();
  }

  /** The place that is not decided does not count. */
  end(): void {
    this.#isRevealed = false;
    this.#isOver = true;
  }

  #reveal(): void {
    const right = this.#tries.findIndex(({ verdict }) => verdict === 'right');
    this.#learner.push({ tries: this.#tries.length, rightTry: right < 0 ? undefined : right + 1 });
    this.#isRevealed = true;
  }
}

function canBeTyped({ text, tokens }: GamePassage, index: number): boolean {
  const token = tokens[index];
  if (token?.surprisalBits === undefined || text.slice(token.start, token.end).trim() === '') return false;
  const isShared = (tokens[index - 1]?.end ?? 0) > token.start || (tokens[index + 1]?.start ?? Infinity) < token.end;
  return !isShared;
}

/** The model's first guesses under the learner's rule: those that can be typed, each once. */
function modelAnswer({ text, tokens, triesAllowed }: GamePassage, index: number): Answer {
  const token = tokens[index];
  if (!token) return { tries: 0, rightTry: undefined };
  const typed = token.expected.flatMap(expected => (expected === undefined ? [] : [folded(expected).trim()]));
  const guesses = [...new Set(typed)].filter(guess => guess !== '').slice(0, triesAllowed);
  const right = guesses.findIndex(guess => judge(guess, text.slice(token.start), token.end - token.start) === 'right');
  return right < 0 ? { tries: guesses.length, rightTry: undefined } : { tries: right + 1, rightTry: right + 1 };
}
