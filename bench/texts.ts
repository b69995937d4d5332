/** The texts that are measured, made of files of this repository, and a recording of somebody who types. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { scoredCopyOf } from '../src/core/scoredCopy';
import { readModelFolder } from '../src/model/catalog';
import { TextTokenizer } from '../src/model/tokens';
import type { TokenLayout } from '../src/model/tokens';
import { randomNumbers } from './measure';

export const bundledModel = path.resolve('models/smollm2-135m-instruct');
const markdownTokens = 20_000;
/** Where the part that runs in VS Code finds the long text and the recording, in its workspace. */
export const longTextName = 'long.md';
export const typingName = 'typing.json';
export const headsName = 'heads.json';

/** The beginning of a text, and what the model is given of it: the start token and its own. */
export interface Head {
  readonly text: string;
  readonly inputs: readonly number[];
}

/** A text and its tokens, as the bundled model reads them. */
export interface BenchText {
  readonly text: string;
  readonly layout: TokenLayout;
}

export async function bundledTokenizer(): Promise<TextTokenizer> {
  const { tokenizer } = await readModelFolder(bundledModel, undefined);
  return new TextTokenizer(tokenizer);
}

export async function layoutOf(tokenizer: TextTokenizer, text: string): Promise<TokenLayout> {
  return tokenizer.layout(scoredCopyOf(text), new AbortController().signal);
}

/** The beginning of `text`, `tokens` tokens of it. */
export async function firstTokens(tokenizer: TextTokenizer, text: string, tokens: number): Promise<BenchText> {
  const layout = await layoutOf(tokenizer, text);
  if (layout.ids.length < tokens) throw new Error(`The text has ${layout.ids.length} tokens, fewer than the ${tokens} that are wanted.`);
  const cut = text.slice(0, layout.starts[tokens] ?? text.length);
  return { text: cut, layout: await layoutOf(tokenizer, cut) };
}

/** The paragraphs of the README, without tables, code and pictures, and the sample of prose. */
export function prose(): string {
  const paragraphs = read('README.md').split('\n\n');
  return [...paragraphs.filter(paragraph => /^[A-Z*_]/.test(paragraph)), read('samples/harbour.md')].join('\n\n');
}

/** So many lines of about as many tokens, of so many tokens together. */
export async function linesOfProse(tokenizer: TextTokenizer, beginning: string, lines: number, tokens: number): Promise<BenchText> {
  const source = `${beginning} ${prose()}`.replaceAll(/\s+/g, ' ');
  const { text, layout } = await firstTokens(tokenizer, source, tokens);
  const breaks = new Set(Array.from({ length: lines - 1 }, (_, line) => Math.round(((line + 1) * layout.ids.length) / lines)));
  // Where a line ends, a line feed stands for the space before the next word.
  const broken = [...breaks].map(row => text.indexOf(' ', layout.starts[row] ?? 0)).filter(at => at >= 0);
  const cut = broken.reduce((all, at) => `${all.slice(0, at)}\n${all.slice(at + 1)}`, text);
  return firstTokens(tokenizer, `${cut} ${source.slice(text.length)}`, tokens);
}

/**
 * A long Markdown document as projects have them: the pages of this repository, then a guide through its sources: for each file a heading, a
 * list of what it exports with the comments that say what that is, and some of its code.
 */
export async function longMarkdown(tokenizer: TextTokenizer): Promise<BenchText> {
  const pages = ['README.md', 'CHANGELOG.md', 'test/reference/README.md', 'samples/harbour.md'].map(read);
  const sources = ['src/core', 'src/model', 'src/views', 'src/cli', 'src']
    .flatMap(folder => readdirSync(folder).map(name => `${folder}/${name}`))
    .filter(name => name.endsWith('.ts'))
    .sort();
  return firstTokens(tokenizer, [...pages, '# Guide through the sources', ...sources.map(guideTo)].join('\n\n'), markdownTokens);
}

function guideTo(file: string): string {
  const source = read(file);
  const exported = [...source.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?export (?:async )?\w+ (\w+)/g)];
  const items = exported.map(([, comment = '', name = '']) => {
    const says = comment.replace(/\s*\n\s*\*\s*/g, ' ').trim();
    return says === '' ? `- \`${name}\`` : `- \`${name}\`: ${says}`;
  });
  const code = source
    .slice(Math.max(0, source.indexOf('\nexport ') + 1))
    .split('\n')
    .slice(0, 30)
    .join('\n');
  return [`## \`${file}\``, items.join('\n'), `\`\`\`ts\n${code.trimEnd()}\n\`\`\``].filter(part => part !== '').join('\n\n');
}

function read(file: string): string {
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim();
}

/** One key, or what one key or click does at once; `afterMs`: since the one before. */
export type Keystroke = { readonly afterMs: number } & (
  | { readonly kind: 'type'; readonly text: string }
  | { readonly kind: 'backspace'; readonly characters: number }
  /** The cursor goes to the end of the line at this part of the text (0: its beginning, 1: its end). */
  | { readonly kind: 'hop'; readonly to: number }
);

/**
 * Somebody types `characters` characters of the samples into a text: bursts of a few words with pauses between them, mistyped letters taken
 * back, cursor hops, one burst undone and done again. The same keys every time.
 */
export function recordedTyping(characters: number): Keystroke[] {
  const random = randomNumbers(20);
  const source = `${read('samples/harbour.md')}\n\n${read('samples/primes.py')}\n\n${read('samples/distance.ts')}`;
  const keys: Keystroke[] = [{ kind: 'hop', to: 0.5, afterMs: 0 }];
  let at = 0;
  let bursts = 0;
  while (at < characters) {
    const burst = source.slice(at, Math.min(characters, at + 8 + random(30)));
    for (const [index, character] of Array.from(burst).entries()) {
      const afterMs = (index === 0 ? 300 + random(1700) : 60) + random(character === ' ' ? 160 : 80);
      keys.push({ kind: 'type', text: character, afterMs });
    }
    at += burst.length;
    bursts++;
    if (bursts % 4 === 0) {
      const wrong = 1 + random(3);
      for (let index = 0; index < wrong; index++) keys.push({ kind: 'type', text: 'x', afterMs: 80 });
      for (let index = 0; index < wrong; index++) keys.push({ kind: 'backspace', characters: 1, afterMs: index === 0 ? 350 : 90 });
    }
    if (bursts === 10) {
      keys.push({ kind: 'backspace', characters: burst.length, afterMs: 900 }); // undo, and redo
      keys.push({ kind: 'type', text: burst, afterMs: 1200 });
    }
    if (bursts % 7 === 0) keys.push({ kind: 'hop', to: random(1000) / 1000, afterMs: 1500 });
  }
  return keys;
}
