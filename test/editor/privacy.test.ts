import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore } from '../../src/disposable';
import { ModelError } from '../../src/model/errors';
import { preambleOfFile, Preambles } from '../../src/preambles';
import { browser } from './browser';
import { activated, eventually, inExtension, useModel } from './documents';
import { Memento, ownLens } from './ownLens';

/** Put together here, so that this file and its bundle do not hold them. */
const words = ['Qzvharn', 'moxbittle', 'vexwarpole'].map(word => `${word}${String(word.length * 7919)}`);
const text = `The boats came in. ${words.join(' ')}.\n`.repeat(30);

describe('text of a document in VS Code', function () {
  this.timeout(120_000);
  let folder: string;
  const store = new DisposableStore();
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-marker-'));
  });
  after(async () => {
    store.dispose();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await useModel(undefined);
    rmSync(folder, { recursive: true });
  });

  it('is in no log, no error, no memory of the workspace and no file of the profile, also when the model process is killed', async () => {
    const api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    const file = path.join(folder, 'notes.txt');
    writeFileSync(file, text);
    const document = await vscode.workspace.openTextDocument(file);
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(1, 24, 1, 24);
    // The extension as it is: colours, report, panel, list and suggestions.
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('it is scored', () => api.scores(document.uri) !== undefined);
    for (const command of ['showPanel', 'showReport', 'surprises.focus', 'readHere', 'nextSurprise', 'suggest'])
      await vscode.commands.executeCommand(`tokenLens.${command}`);
    // What is read before a document, and what reads it anew: without a part, from less, and for the page about a prediction.
    await vscode.commands.executeCommand('tokenLens.setPreamble', { kind: 'text', text, name: 'notes.txt' });
    await eventually('it is read', () => api.scores(document.uri)?.provenance.preamble !== undefined);
    const part = { start: 19, end: 60 };
    for (const [command, argument] of [
      ['comparePreamble', undefined],
      ['ablateSelection', part],
      ['ablateSelection', { ...part, text: words[0] }],
      ['showEffects', { ...part, filler: 'startToken' }],
      ['explainPrediction', undefined],
    ] as const) {
      await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One });
      await vscode.commands.executeCommand(`tokenLens.${command}`, argument);
    }
    editor.selection = new vscode.Selection(1, 0, 1, 24);
    await vscode.commands.executeCommand('tokenLens.showContextNeeds');

    // And its parts put together once more, with all that they say written down.
    const said: string[] = [];
    const channel = store.add(vscode.window.createOutputChannel('Token Lens (test)', { log: true }));
    const levels: readonly (string | symbol)[] = ['trace', 'debug', 'info', 'warn', 'error', 'append', 'appendLine'];
    const log = new Proxy(channel, {
      get: (target, name): unknown =>
        levels.includes(name) ? (...args: readonly unknown[]) => said.push(args.map(String).join(' ')) : Reflect.get(target, name, target),
    });
    const memento = new Memento();
    const memory = { freeBytes: () => undefined, ask: () => Promise.resolve(true) };
    const preambles = store.add(new Preambles(memento));
    const scored = ownLens(store, { log, memento, memory, bundledModel: inExtension('test/fixtures/tiny-gpt2'), preambles });
    preambles.set(document, { kind: 'text', text, name: null });
    scored.setOn(document, true);
    await scored.complete(document);
    const question = { edit: { start: 19, end: 60, text: words.join(' ') }, followingTokens: 20, wholeEdit: true, oneWindow: true };
    await scored.ask(document, 'try', question, new AbortController().signal, { finest: true });
    preambles.set(document, await preambleOfFile(document.uri)); // its own text before it
    await scored.complete(document);
    killModelProcesses();
    const asked = { offset: 30, after: [], count: 3, mostTokens: undefined };
    for (let round = 0; round < 3; round++)
      await scored.ask(document, 'words', asked, new AbortController().signal).catch((error: unknown) => {
        const { code, message, stack } = ModelError.from(error);
        said.push(`${code} ${message} ${stack ?? ''}`);
        killModelProcesses();
      });
    await scored.complete(document);
    await eventually('the deaths are logged', () => process.platform !== 'linux' || said.some(line => line.includes('ended unexpectedly')));

    assert.equal(holds(text), true, 'what is searched for is there');
    for (const line of said) assert.equal(holds(line), false, line);
    assert.ok(memento.get('tokenLens.preambles'), 'the file is remembered');
    assert.equal(holds(JSON.stringify(memento.keys().map(key => memento.get(key)))), false);
    // The memory that VS Code keeps for this workspace and all others.
    const remembered = await rememberedByVsCode();
    assert.ok(remembered.includes('tokenLens.on'), 'what is searched is there');
    assert.equal(holds(remembered), false);
    const profile = process.env['TOKEN_LENS_PROFILE'];
    assert.ok(profile !== undefined && existsSync(profile));
    const files = readdirSync(profile, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
    assert.ok(files.length > 3, String(files.length));
    for (const { parentPath, name } of files) {
      const bytes = readFileSync(path.join(parentPath, name));
      assert.equal(holds(bytes.toString('latin1')) || holds(bytes.toString('utf16le')), false, path.join(parentPath, name));
    }
  });
});

function holds(where: string): boolean {
  return words.some(word => where.includes(word));
}

/** All that the page of the workbench stores. */
function rememberedByVsCode(): Promise<string> {
  return browser.evaluate<string>(`(async () => {
    const asked = request => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); });
    const found = [JSON.stringify({ ...localStorage })];
    for (const { name } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const values = await asked(database.transaction(store).objectStore(store).getAll());
        found.push(...values.map(value => (value instanceof Uint8Array ? new TextDecoder().decode(value) : typeof value === 'string' ? value : JSON.stringify(value))));
      }
      database.close();
    }
    return found.join('\\n');
  })()`);
}

/** Those that this extension host has started. */
function killModelProcesses(): void {
  if (process.platform !== 'linux') return;
  for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
      const isOurs = Number(parent) === process.pid && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(inExtension('dist/worker.js'));
      if (isOurs) process.kill(Number(id), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
