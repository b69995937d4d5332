import { parseArgs } from 'node:util';
import type { Anchors, Arithmetic } from '../core/scores';
import { RefusedError } from './failure';

export const formats = ['pretty', 'json', 'csv', 'html'] as const;
export type Format = (typeof formats)[number];

/** What `score` was asked to do. `undefined`: the default, which may depend on the model folder. */
export interface ScoreArguments {
  readonly kind: 'score';
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly format: Format;
  readonly modelFolder: string | undefined;
  readonly dtype: string | undefined;
  readonly contextTokens: number;
  readonly overlapTokens: number;
  readonly topCount: number;
  readonly anchors: Anchors;
  readonly useStartToken: boolean;
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

const usageLine = 'usage: score [options] FILE|- (--help lists the options)';

export const usage = `Scores a text with a language model, on this machine, offline.

usage: node dist/cli.js score [options] FILE|-

  --format pretty|json|csv|html   what to write to standard output (default: pretty)
  --model DIR                     model folder (default: the bundled model)
  --dtype NAME                    weights to use (default: what the folder says, else the first of fp32, q8, q4, fp16)
  --context N                     tokens a window (default: ${String(defaults.contextTokens)}; at most what the model can hold)
  --overlap N                     tokens shared by two windows (default: ${String(defaults.overlapTokens)}; at most half a window)
  --anchors grid|text             where windows start: at counted tokens, or where the text decides, as in the editor (default: grid)
  --top K                         alternatives for each token (default: ${String(defaults.topCount)})
  --no-start-token                nothing before the text; the first token then has no score
  --exact                         float32 arithmetic: slower, without the model's rounding
  --threads N                     processor cores to use (default: all)
  -h, --help                      this text

Exit codes: 0 done, 1 failed, 2 refused (bad arguments, unreadable or binary input, unusable model folder).

CSV columns: id, startByte, endByte (UTF-8 bytes of the scored copy: no byte order mark, LF), start, end (UTF-16 units of the
input), surprisalBits, entropyBits, rank, contextTokens, unscoredReason, token. Bytes without a token are rows without an id. Where a
token is not whole characters, its bytes are written as ⟨F0⟩ and a space in it as ·.
`;

/** Reads the arguments after `node cli.js`. Throws `RefusedError` for whatever is not understood. */
export function readArguments(words: readonly string[]): ScoreArguments | HelpArguments {
  const { values, positionals } = parse(words);
  if (values.help === true) return { kind: 'help' };
  const [command, file, ...more] = positionals;
  if (command === undefined) throw new RefusedError(usageLine);
  if (command !== 'score') throw new RefusedError(`unknown subcommand "${command}"; ${usageLine}`);
  if (file === undefined || file === '') throw new RefusedError(`no file given; ${usageLine}`);
  if (more.length > 0) throw new RefusedError(`one file at a time, ${String(more.length + 1)} given; ${usageLine}`);

  const anchors = values.anchors ?? 'grid';
  if (anchors !== 'grid' && anchors !== 'text') throw new RefusedError(`--anchors must be grid or text, not "${anchors}"`);
  for (const name of ['model', 'dtype'] as const) if (values[name] === '') throw new RefusedError(`--${name} is empty`);

  const contextTokens = numberOf('context', values.context) ?? defaults.contextTokens;
  const overlap = numberOf('overlap', values.overlap);
  if (overlap !== undefined && overlap >= contextTokens) {
    throw new RefusedError(`--overlap must be below the context: ${String(overlap)} of ${String(contextTokens)} tokens`);
  }
  return {
    kind: 'score',
    file,
    format: formatOf(values.format),
    modelFolder: values.model,
    dtype: values.dtype,
    contextTokens,
    overlapTokens: overlap ?? Math.min(defaults.overlapTokens, Math.floor(contextTokens / 2)),
    anchors,
    topCount: numberOf('top', values.top) ?? defaults.topCount,
    useStartToken: values['no-start-token'] !== true,
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
        model: { type: 'string' },
        dtype: { type: 'string' },
        context: { type: 'string' },
        overlap: { type: 'string' },
        anchors: { type: 'string' },
        top: { type: 'string' },
        'no-start-token': { type: 'boolean' },
        exact: { type: 'boolean' },
        threads: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Every throw of parseArgs is about the words given; its advice after the first sentence is about another program's options.
    const message = error instanceof Error ? (error.message.split(/\.\s/)[0] ?? '') : 'the options were not understood';
    throw new RefusedError(message, { cause: error });
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

function formatOf(name: string | undefined): Format {
  if (name === undefined) return 'pretty';
  const format = formats.find(known => known === name);
  if (format === undefined) throw new RefusedError(`--format must be one of ${formats.join(', ')}, not "${name}"`);
  return format;
}

function numberOf(name: keyof typeof limits, digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  const { least, most, unit } = limits[name];
  const value = /^\d{1,9}$/.test(digits) ? Number(digits) : NaN;
  if (!(value >= least && value <= most))
    throw new RefusedError(`--${name} must be a whole number from ${String(least)} to ${String(most)} ${unit}, not "${digits}"`);
  return value;
}
