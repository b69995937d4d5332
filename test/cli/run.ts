import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Gap, Provenance, Summary, TokenScore } from '../../src/core/scores';

export const tinyModel = path.resolve('test/fixtures/tiny-gpt2');
export const bundledModel = path.resolve('models/smollm2-135m-instruct');
const commandLine = path.resolve('dist/cli.js');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `--format json` prints. */
export interface ScoreOutput {
  readonly text: string;
  readonly startTokenId: number | null;
  readonly window: number;
  readonly stride: number;
  readonly windows: number;
  readonly tokens: readonly TokenScore[];
  readonly gaps: readonly Gap[];
  readonly summary: Summary;
  readonly provenance: Provenance;
}

/** The command line as a terminal starts it, without the colour settings of the machine that runs the tests. */
export function start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const own = { ...process.env };
  for (const name of ['FORCE_COLOR', 'NO_COLOR', 'COLORFGBG']) Reflect.deleteProperty(own, name);
  return spawn(process.execPath, [commandLine, ...words], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...own, ...environment } });
}

export async function run(
  words: readonly string[],
  input?: string | Uint8Array,
  environment?: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const child = start(words, environment);
  child.stdin?.on('error', () => undefined); // it may end before it has read everything: part of some tests
  child.stdin?.end(input ?? '');
  return outcomeOf(child);
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
}

/** Scores on the tiny model and reads the JSON; fails with what standard error says. */
export async function scoreJson(words: readonly string[], input?: string | Uint8Array): Promise<ScoreOutput> {
  const { code, stdout, stderr } = await run(['score', '--format', 'json', ...words], input);
  if (code !== 0 || stderr !== '') throw new Error(`exit code ${String(code)}: ${stderr}`);
  return JSON.parse(stdout) as ScoreOutput;
}

/** Files of one test file; removed at its end. */
export class Scratch {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'token-lens-cli-'));

  file(name: string, content: string | Uint8Array): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
