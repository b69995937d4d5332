import { createHash } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import packageJson from '../../package.json';
import type { Report } from '../exports/report';
import { unitRules } from '../exports/units';
import type { ScoreArguments } from './arguments';
import { RefusedError } from './failure';
import type { Input } from './input';
import { threadsOf } from './scoreCommand';

/** Beside a result: where it comes from. */
export const sideFileEnding = '.meta.json';

/** Refuses what could only fail, or harm, after the work is done. */
export function checkOut(out: string, files: readonly string[]): void {
  const folder = path.dirname(path.resolve(out));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new RefusedError(`cannot write "${out}": there is no such folder`);
  for (const name of [out, out + sideFileEnding]) {
    if (statSync(name, { throwIfNoEntry: false })?.isDirectory() === true) throw new RefusedError(`cannot write "${name}": it is a folder`);
    if (files.some(file => file !== '-' && path.resolve(file) === path.resolve(name)))
      throw new RefusedError(`cannot write "${name}": it is one of the files to be scored`);
  }
}

/** The result and its side file. Whoever looks for the result finds nothing, or what was there before, or all of it; and then its side file too. */
export function writeOut(out: string, result: Iterable<string>, sideFile: string): void {
  const writing = [
    { file: out + sideFileEnding, pieces: [sideFile], temporary: temporaryName(out + sideFileEnding) },
    { file: out, pieces: result, temporary: temporaryName(out) },
  ];
  try {
    for (const { temporary, pieces } of writing) writeFile(temporary, pieces);
    for (const { temporary, file } of writing) renameSync(temporary, file);
  } catch (error) {
    for (const { temporary } of writing) rmSync(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`cannot write "${out}": ${code}`, { cause: error });
  }
}

/** In the same folder, because a rename to another one need not be whole. */
function temporaryName(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${String(process.pid)}.tmp`);
}

/** At once, not in the background: no signal comes in between and leaves half a file behind. */
function writeFile(file: string, pieces: Iterable<string>): void {
  const descriptor = openSync(file, 'w');
  try {
    for (const chunk of chunksOf(pieces)) writeFileSync(descriptor, chunk);
  } finally {
    closeSync(descriptor);
  }
}

/** Pieces are joined up to this length before they are written. */
const chunkCharacters = 1 << 16;

export function* chunksOf(pieces: Iterable<string>): Generator<string> {
  let held = '';
  for (const piece of pieces) {
    held += piece;
    if (held.length < chunkCharacters) continue;
    yield held;
    held = '';
  }
  if (held !== '') yield held;
}

/**
 * What the result was made of and how, without a date: the same run gives the same bytes. `reports`: of all items, which have their provenance
 * in common; where there are none, nothing is known of the model.
 */
export function sideFileOf(request: ScoreArguments, inputs: readonly Input[], reports: readonly Report[]): string {
  const { format, level, lines, topCount, useStartToken } = request;
  const [first] = reports;
  const {
    model,
    modelHash,
    dtype,
    arithmetic,
    window,
    overlap,
    anchors,
    startTokenId,
    noiseFloorBits,
    repeatabilityBits,
    selfCheck,
    preamble,
  } = first?.provenance ?? {};
  const facts = {
    tool: { name: packageJson.name, version: packageJson.version },
    model: { name: model, sha256: modelHash, dtype, noiseFloorBits, repeatabilityBits, selfCheck },
    options: {
      format,
      lines,
      level,
      rule: level === 'token' ? null : unitRules[level],
      context: window,
      overlap,
      anchors,
      top: topCount,
      startToken: useStartToken,
      startTokenId,
      ...(preamble ? { preamble } : {}),
      arithmetic,
      threads: threadsOf(request),
    },
    inputs: inputs.map(({ file, text }) => ({
      file,
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    })),
    items: reports.length,
  };
  return `${JSON.stringify(facts, undefined, 2)}\n`;
}
