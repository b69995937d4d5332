/**
 * A thread of the extension host that reads documents by TextMate grammars. Not in slices on the host's own thread, since a slice cannot be
 * short: the first line of a Markdown text compiles the patterns of all languages that may be fenced in it, 400 ms in one piece.
 */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { loadWASM, OnigScanner, OnigString } from 'vscode-oniguruma';
import { INITIAL, parseRawGrammar, Registry } from 'vscode-textmate';
import type { IGrammar, IRawGrammar, StateStack } from 'vscode-textmate';
import { DocumentLines } from './core/leaveOutLines';
import type { LineGrammar } from './core/leaveOutLines';
import type { FromRegionsThread, GrammarFile, RegionsThreadData, ToRegionsThread } from './regionsProtocol';

/** A line that takes longer keeps what was found in it until then. */
const mostLineMs = 1_000;
/** Between two looks for messages: an edit should not wait. */
const sliceMs = 10;

interface Reading {
  readonly lines: DocumentLines<StateStack>;
  readonly scope: string | undefined;
  version: number;
  /** What it is to be read by is known. */
  isReady: boolean;
  isDone: boolean;
}

const port = parentPort;
if (!port) throw new Error('This is to be run as a thread.');
const { wasmPath, injections } = workerData as RegionsThreadData;
const readings = new Map<number, Reading>();
const answers = new Map<string, (file: GrammarFile | undefined) => void>();
const registry = new Registry({
  onigLib: readFile(wasmPath).then(async wasm => {
    await loadWASM(wasm);
    return {
      createOnigScanner: (patterns: string[]) => new OnigScanner(patterns),
      createOnigString: (text: string) => new OnigString(text),
    };
  }),
  loadGrammar: rawGrammar,
  getInjections: scope => [...(injections[scope] ?? [])],
});
let isReading = false;

port.on('message', (message: ToRegionsThread) => {
  switch (message.kind) {
    case 'open': {
      const { id, version, text, breakLength, scope } = message;
      const reading = { lines: new DocumentLines<StateStack>(text, breakLength), scope, version, isReady: false, isDone: false };
      readings.set(id, reading);
      void prepare(reading);
      return;
    }
    case 'edit': {
      const { id, version, changes, length } = message;
      const reading = readings.get(id);
      if (!reading) return;
      reading.lines.edited(changes);
      reading.version = version;
      reading.isDone = false;
      readings.delete(id); // the last of the map is read first
      if (reading.lines.length === length) readings.set(id, reading);
      else post({ kind: 'lost', id });
      return readOn();
    }
    case 'close':
      readings.delete(message.id);
      return;
    case 'grammar':
      answers.get(message.scope)?.(message.file);
      answers.delete(message.scope);
  }
});

/** A grammar that cannot be understood is as if it were not there: those that include it go on without. */
async function rawGrammar(scope: string): Promise<IRawGrammar | undefined> {
  const file = await new Promise<GrammarFile | undefined>(resolve => {
    answers.set(scope, resolve);
    post({ kind: 'wanted', scope });
  });
  try {
    return file && parseRawGrammar(file.content, file.path);
  } catch (error) {
    broken(scope, error);
    return undefined;
  }
}

async function prepare(reading: Reading): Promise<void> {
  const { scope } = reading;
  try {
    const grammar = scope === undefined ? null : await registry.loadGrammar(scope);
    if (grammar) reading.lines.useGrammar(lineGrammar(grammar));
  } catch (error) {
    if (scope !== undefined) broken(scope, error);
  }
  reading.isReady = true;
  readOn();
}

function lineGrammar(grammar: IGrammar): LineGrammar<StateStack> {
  return {
    initial: INITIAL,
    read: (line, before) => {
      let result = grammar.tokenizeLine(line, before, mostLineMs);
      if (result.stoppedEarly) result = grammar.tokenizeLine(line, before, mostLineMs); // the first time may have gone into compiling patterns
      return { parts: result.tokens, state: result.stoppedEarly ? before : result.ruleStack };
    },
    isSame: (a, b) => a.equals(b),
  };
}

function readOn(): void {
  if (isReading) return;
  isReading = true;
  setImmediate(() => {
    isReading = false;
    const [id, reading] = [...readings].findLast(([, { isReady, isDone }]) => isReady && !isDone) ?? [];
    if (id === undefined || !reading) return;
    if (readSlice(reading)) {
      reading.isDone = true;
      const regions = reading.lines.regions();
      post({ kind: 'regions', id, version: reading.version, regions });
    }
    readOn();
  });
}

/** True when nothing is left to read. */
function readSlice({ lines, scope }: Reading): boolean {
  const end = performance.now() + sliceMs;
  try {
    while (performance.now() < end) if (!lines.step()) return true;
  } catch (error) {
    if (scope !== undefined) broken(scope, error);
    lines.useGrammar(undefined);
  }
  return false;
}

function broken(scope: string, error: unknown): void {
  post({ kind: 'broken', scope, message: error instanceof Error ? error.message : 'It cannot be read.' });
}

function post(message: FromRegionsThread): void {
  port?.postMessage(message);
}
