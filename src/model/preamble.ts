import { Template } from '@huggingface/jinja';
import { scoredCopyOf } from '../core/scoredCopy';
import { ModelError } from './errors';
import { longestPreamble } from './protocol';
import type { Preamble } from './protocol';
import { withinTime } from './timeLimit';
import type { TextTokenizer } from './tokens';

/** Of a longer one the end is used, of a question within its frame; nor may it take more than half of what the model can hold. */
const mostPreambleTokens = 512;
/** To begin a question with a word, so many UTF-16 units are left out at most. */
const longestSkippedWord = 40;
/** To begin with a line, so many UTF-16 units are left out at most. */
const mostSkippedUnits = 400;
/** Those whose tokens are remembered. */
const mostKnown = 8;
/** A template is a program that somebody else wrote: it may never end, or fill the memory. A question takes some milliseconds. */
const mostTemplateMs = 500;
/** What a template makes round a question, UTF-16 units; one that writes more is of no use, and reading it would take long. */
const mostFrameUnits = 100_000;

/** What is read of a preamble. */
export interface ReadPreamble {
  /** The start token first. */
  readonly ids: readonly number[];
  /** Of its text, only the end is read. */
  readonly isCut: boolean;
}

/** Turns preambles into the tokens that stand before every window. */
export class PreambleReader {
  readonly #tokenizer: TextTokenizer;
  readonly #frame: ChatFrame | undefined;
  readonly #mostTokens: number;
  readonly #known = new Map<string, ReadPreamble>();

  /** `config`: the parsed tokenizer_config.json; `chatTemplate`: of a file of its own, if there is one. */
  constructor(tokenizer: TextTokenizer, config: Readonly<Record<string, unknown>>, chatTemplate: string | undefined, positions: number) {
    this.#tokenizer = tokenizer;
    this.#frame = chatFrameOf(tokenizer, config, chatTemplate);
    this.#mostTokens = Math.min(mostPreambleTokens, Math.floor(positions / 2));
  }

  /** As `read`. */
  prefixIds(preamble: Preamble | undefined, startTokenId: number | null): readonly number[] {
    return this.read(preamble, startTokenId).ids;
  }

  /** What stands before every window. Errors: 'no-chat-frame'. */
  read(preamble: Preamble | undefined, startTokenId: number | null): ReadPreamble {
    const start = startTokenId === null ? [] : [startTokenId];
    if (!preamble) return { ids: start, isCut: false };
    const { ids, isCut } = this.#read(preamble);
    // Some frames bring the start token themselves.
    const own = ids[0] === startTokenId ? ids.slice(1) : ids;
    const most = this.#mostTokens;
    return { ids: [...start, ...own.slice(Math.max(0, own.length - most))], isCut: isCut || own.length > most };
  }

  #read({ kind, text }: Preamble): ReadPreamble {
    const key = `${kind} ${text}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { text: whole } = scoredCopyOf(text);
    const end = endOf(whole);
    if (kind === 'chat' && !this.#frame)
      throw new ModelError(
        'no-chat-frame',
        'This model has no chat template, so nothing can be put to it as a question: choose a text to read before the document instead, or a chat model.',
      );
    const read =
      kind === 'chat' && this.#frame ? this.#frame.read(end, this.#mostTokens) : { ids: this.#tokenizer.idsOf(end), isCut: false };
    const found = { ids: read.ids, isCut: read.isCut || end.length < whole.length };
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= mostKnown) this.#known.delete(oldest);
    this.#known.set(key, found);
    return found;
  }
}

/** What is read of a text, from the beginning of a line where one is near: of a text that has hardly any, that would leave next to nothing. */
function endOf(text: string): string {
  if (text.length <= longestPreamble) return text;
  const end = text.slice(-longestPreamble).toWellFormed(); // half a character may be left at the cut
  const lineStart = end.indexOf('\n') + 1;
  return lineStart <= mostSkippedUnits ? end.slice(lineStart) : end;
}

/** A model's own way to put a question, by its template. */
class ChatFrame {
  readonly #tokenizer: TextTokenizer;
  readonly #template: Template;
  /** Strings of the configuration that templates name, such as `bos_token`. */
  readonly #names: Readonly<Record<string, string>>;
  /** Spellings of control tokens, longest first. */
  readonly #controls: ReadonlyMap<string, number>;

  /** Throws where no template can be made of it. */
  constructor(tokenizer: TextTokenizer, template: string, names: Readonly<Record<string, string>>) {
    this.#tokenizer = tokenizer;
    const read = withinTime(mostTemplateMs, () => new Template(template));
    if (!read) throw unusableTemplate('it does not come to an end');
    this.#template = read.result;
    this.#names = names;
    const controls = Object.entries(tokenizer.vocabulary.controlNames).map(([id, spelling]) => [spelling, Number(id)] as const);
    this.#controls = new Map(controls.filter(([spelling]) => spelling !== '').sort(([a], [b]) => b.length - a.length));
  }

  /** The question in its frame, up to where the answer begins. Of one that takes more than `mostTokens` with it, the end: the frame stays whole. */
  read(question: string, mostTokens: number): ReadPreamble {
    const whole = this.#idsOf(question);
    if (whole.length <= mostTokens) return { ids: whole, isCut: false };
    let best: readonly number[] | undefined;
    // From `low` on it is too long, from `high` on it is not, as far as anything is.
    let [low, high] = [0, question.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const ids = this.#idsOf(question.slice(middle).toWellFormed());
      if (ids.length <= mostTokens) [high, best] = [middle, ids];
      else low = middle;
    }
    if (!best)
      throw new ModelError(
        'no-chat-frame',
        "The model's chat template leaves no room for a question: choose a text to read before the document instead.",
      );
    const wordAt = question.slice(high - 1, high + longestSkippedWord).search(/(?<=\s)\S/);
    const character = /^[\udc00-\udfff]/.test(question.slice(high, high + 1)) ? high + 1 : high;
    const fromWord = this.#idsOf(question.slice(wordAt < 0 ? character : high - 1 + wordAt));
    return { ids: fromWord.length <= mostTokens ? fromWord : best, isCut: true };
  }

  /** The question itself is plain text, whatever it spells. */
  #idsOf(question: string): readonly number[] {
    const spellings = [...this.#controls.keys()];
    if (spellings.length === 0) return this.#tokenizer.idsOf(this.#rendered(question));
    const anyControl = new RegExp(`(${spellings.map(escaped).join('|')})`, 'u');
    // What the question has of control tokens' spellings goes through the template as something that is no spelling.
    const mark = markNotIn(question, spellings);
    const hidden = question
      .split(anyControl)
      .map(part => (this.#controls.has(part) ? `${mark}${spellings.indexOf(part).toString()}${mark}` : part))
      .join('');
    const shown = new RegExp(`${mark}(\\d+)${mark}`, 'gu');
    return this.#rendered(hidden)
      .split(anyControl)
      .flatMap(part => {
        const id = this.#controls.get(part);
        if (id !== undefined) return [id];
        return this.#tokenizer.idsOf(part.replace(shown, (_, index: string) => spellings[Number(index)] ?? ''));
      });
  }

  #rendered(content: string): string {
    const input = { ...this.#names, messages: [{ role: 'user', content }], add_generation_prompt: true };
    let done: { readonly result: string } | undefined;
    try {
      done = withinTime(mostTemplateMs, () => this.#template.render(input));
    } catch (error) {
      throw unusableTemplate(error instanceof Error ? error.name : undefined); // its message may hold what was asked
    }
    if (!done) throw unusableTemplate('it does not come to an end');
    if (done.result.length > content.length + mostFrameUnits) throw unusableTemplate('it writes too much');
    return done.result;
  }
}

function unusableTemplate(cause: string | undefined): ModelError {
  return new ModelError('no-chat-frame', "The model's chat template cannot be used: choose a text to read before the document instead.", {
    cause,
  });
}

function chatFrameOf(
  tokenizer: TextTokenizer,
  config: Readonly<Record<string, unknown>>,
  ownFile: string | undefined,
): ChatFrame | undefined {
  const template = ownFile ?? templateOf(config['chat_template']);
  if (template === undefined) return undefined;
  const nameOf = (value: unknown): unknown => (typeof value === 'object' && value !== null && 'content' in value ? value.content : value);
  const names = Object.entries(config).flatMap(([key, value]) => {
    const name = key.endsWith('_token') ? nameOf(value) : undefined;
    return typeof name === 'string' ? [[key, name] as const] : [];
  });
  try {
    return new ChatFrame(tokenizer, template, Object.fromEntries(names));
  } catch {
    return undefined; // a template that nothing can be made of is none
  }
}

/** One template, or several by name. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const named: readonly unknown[] = Array.isArray(value) ? value : [];
  for (const each of named) {
    if (typeof each !== 'object' || each === null || !('name' in each) || !('template' in each)) continue;
    if (each.name === 'default' && typeof each.template === 'string') return each.template;
  }
  return undefined;
}

/** A private character that neither the text nor a spelling has. */
function markNotIn(text: string, spellings: readonly string[]): string {
  for (let code = 0xe000; code < 0xf8ff; code++) {
    const mark = String.fromCharCode(code);
    if (!text.includes(mark) && !spellings.some(spelling => spelling.includes(mark))) return mark;
  }
  throw new ModelError('bad-argument', 'The question has every private character there is, and none is left to mark it with.');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
