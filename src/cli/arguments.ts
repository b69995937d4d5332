import { parseArgs } from 'node:util';
import type { Anchors, Arithmetic } from '../core/scores';
import { sentenceRule, wordRule } from '../core/textUnits';
import { csvColumns } from '../exports/csv';
import { levels, type Level } from '../exports/units';
import { RefusedError } from './failure';

export const formats = ['pretty', 'json', 'csv', 'html'] as const;
export type Format = (typeof formats)[number];

/** What `score` was asked to do. `undefined`: the default, which may depend on the model folder. */
export interface ScoreArguments {
  readonly kind: 'score';
  /** Paths, at least one; `-` for standard input, at most once. */
  readonly files: readonly [string, ...string[]];
  /** Every line is a text of its own. */
  readonly lines: boolean;
  readonly level: Level;
  readonly format: Format;
  /** Where the result goes; undefined: to standard output. */
  readonly out: string | undefined;
  readonly modelFolder: string | undefined;
  readonly dtype: string | undefined;
  readonly contextTokens: number;
  readonly overlapTokens: number;
  readonly topCount: number;
  readonly anchors: Anchors;
  readonly useStartToken: boolean;
  /** Path of a text that is read before every window; not `-`. */
  readonly preamble: string | undefined;
  readonly arithmetic: Arithmetic;
  readonly threads: number | undefined;
}
export interface HelpArguments {
  readonly kind: 'help';
}

const limits = {
  context: { least: 2, most: 1_000_000, unit: 'tokens' },
  overlap: { least: 0, most: 999_999, unit: 'tokens' },
  top: { least: 1, most: 1_000, unit: 'tokens' },
  threads: { least: 1, most: 256, unit: 'threads' },
} as const;
const defaults = { contextTokens: 1024, overlapTokens: 256, topCount: 10 } as const;

const usageLine = 'usage: score [options] FILE|-... (--help lists the options)';

export const usage = `Scores texts with a language model, on this machine, offline.

usage: node dist/cli.js score [options] FILE|-...

  --format pretty|json|csv|html   what to write (default: pretty)
  --lines                         score every line as a text of its own, without its line break
  --level token|word|sentence     what a row of json or csv is about (default: token)
  --out FILE                      write to FILE, whole or not at all, and to FILE.meta.json the model and all options in force
  --model DIR                     model folder (default: the bundled model)
  --dtype NAME                    weights to use (default: what the folder says, else the first of fp32, q8, q4, fp16)
  --context N                     tokens a window (default: ${String(defaults.contextTokens)}; at most what the model can hold)
  --overlap N                     tokens shared by two windows (default: ${String(defaults.overlapTokens)}; at most half a window)
  --anchors grid|text             where windows start: at counted tokens, or where the text decides, as in the editor (default: grid)
  --top K                         alternatives for each token (default: ${String(defaults.topCount)})
  --no-start-token                nothing before the text; the first token then has no score
  --preamble FILE                 read FILE before the text, as context only; of a long one the last 512 tokens
  --exact                         float32 arithmetic: slower, without the model's rounding
  --threads N                     processor cores to use (default: all)
  -h, --help                      this text

Exit codes: 0 done, 1 failed, 2 refused (bad arguments, unreadable or binary input, unusable model folder). All input is read before
anything is scored, and nothing is written unless everything was scored.

JSON of one file is one object. Of several files, or with --lines, it is one object a line, with its item first. An item is a file as it was
named; with --lines the number of the line from 1 on, and "file:number" where there are several files. An empty line is an item without tokens.

${csvColumns}

Words: ${wordRule}. Sentences: ${sentenceRule}.
Their bits are sums over their tokens. A token that reaches over two of them counts to the one that holds most of it; a token of white
space between two is a row of its own.

To report these numbers, name the model and its hash, the format and arithmetic of its weights, the noise floor (smaller differences are not
real), window and overlap, whether a start token stood first, what was read before the text, and the level with its rule: all of it is in FILE.meta.json.
`;

/** Reads the arguments after `node cli.js`. Throws `RefusedError` for whatever is not understood. */
export function readArguments(words: readonly string[]): ScoreArguments | HelpArguments {
  const { values, positionals } = parse(words);
  if (values.help === true) return { kind: 'help' };
  const [command, file, ...more] = positionals;
  if (command === undefined) throw new RefusedError(usageLine);
  if (command !== 'score') throw new RefusedError(`unknown subcommand "${command}"; ${usageLine}`);
  if (file === undefined) throw new RefusedError(`no file given; ${usageLine}`);
  const files = [file, ...more] as const;
  if (files.includes('')) throw new RefusedError(`no file given: a name is empty; ${usageLine}`);
  if (files.filter(name => name === '-').length > 1) throw new RefusedError(`standard input (-) can be read only once; ${usageLine}`);

  if (values.preamble === '-') throw new RefusedError('--preamble takes a file, not standard input');

  const anchors = oneOf('anchors', ['grid', 'text'], values.anchors) ?? 'grid';
  for (const name of ['model', 'dtype', 'out', 'preamble'] as const) if (values[name] === '') throw new RefusedError(`--${name} is empty`);

  const format = oneOf('format', formats, values.format) ?? 'pretty';
  const level = oneOf('level', levels, values.level) ?? 'token';
  const lines = values.lines === true;
  if (level !== 'token' && format !== 'json' && format !== 'csv') throw new RefusedError(`--level ${level} needs --format json or csv`);
  if (format === 'html' && (lines || files.length > 1)) throw new RefusedError('--format html takes one file, and no --lines');

  const contextTokens = numberOf('context', values.context) ?? defaults.contextTokens;
  const overlap = numberOf('overlap', values.overlap);
  if (overlap !== undefined && overlap >= contextTokens) {
    throw new RefusedError(`--overlap must be below the context: ${String(overlap)} of ${String(contextTokens)} tokens`);
  }
  return {
    kind: 'score',
    files,
    lines,
    level,
    format,
    out: values.out,
    modelFolder: values.model,
    dtype: values.dtype,
    contextTokens,
    overlapTokens: overlap ?? Math.min(defaults.overlapTokens, Math.floor(contextTokens / 2)),
    anchors,
    topCount: numberOf('top', values.top) ?? defaults.topCount,
    useStartToken: values['no-start-token'] !== true,
    preamble: values.preamble,
    arithmetic: values.exact === true ? 'float32' : 'native',
    threads: numberOf('threads', values.threads),
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegativeNumbers(words),
      allowPositionals: true,
      options: {
        format: { type: 'string' },
        lines: { type: 'boolean' },
        level: { type: 'string' },
        out: { type: 'string' },
        model: { type: 'string' },
        dtype: { type: 'string' },
        context: { type: 'string' },
        overlap: { type: 'string' },
        anchors: { type: 'string' },
        top: { type: 'string' },
        'no-start-token': { type: 'boolean' },
        preamble: { type: 'string' },
        exact: { type: 'boolean' },
        threads: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Every throw of parseArgs is about the words given; its advice after the first sentence is about another program's options.
    const message = error instanceof Error ? (error.message.split(/\.\s/)[0] ?? '') : 'the options were not understood';
    throw new RefusedError(`${message} (--help lists the options)`, { cause: error });
  }
}

/** `--top -5` as `--top=-5`: otherwise parseArgs takes -5 for an option, and the answer would not name what is wrong. */
function joinNegativeNumbers(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (/^-\d/.test(word) && last !== undefined && Object.keys(limits).some(name => last === `--${name}`))
      joined[joined.length - 1] = `${last}=${word}`;
    else joined.push(word);
  }
  return joined;
}

function oneOf<T extends string>(name: string, choices: readonly T[], word: string | undefined): T | undefined {
  if (word === undefined) return undefined;
  const choice = choices.find(known => known === word);
  if (choice === undefined) throw new RefusedError(`--${name} must be one of ${choices.join(', ')}, not "${word}"`);
  return choice;
}

function numberOf(name: keyof typeof limits, digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  const { least, most, unit } = limits[name];
  const value = /^\d{1,9}$/.test(digits) ? Number(digits) : NaN;
  if (!(value >= least && value <= most))
    throw new RefusedError(`--${name} must be a whole number from ${String(least)} to ${String(most)} ${unit}, not "${digits}"`);
  return value;
}
