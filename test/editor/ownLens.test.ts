import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Config } from '../../src/config';
import { DisposableStore } from '../../src/disposable';
import { LensModel } from '../../src/lensModel';
import { Pauses } from '../../src/pauses';
import { Refusal } from '../../src/refusal';
import { ScoredDocuments } from '../../src/scoredDocuments';
import { WatchWords } from '../../src/watchWords';
import { WindowFocus } from '../../src/windowFocus';
import { activated, eventually, inExtension, untitled, useModel } from './documents';

/** What outlives a window. */
class Memento implements vscode.Memento {
  readonly #values = new Map<string, unknown>();
  keys(): readonly string[] {
    return [...this.#values.keys()];
  }
  get<T>(key: string, otherwise?: T): T {
    return (this.#values.get(key) ?? otherwise) as T;
  }
  update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, structuredClone(value));
    return Promise.resolve();
  }
}

/** The parts of the extension put together anew beside the one that runs, for what cannot be brought about from outside. */
describe('a lens of our own', () => {
  let store: DisposableStore;
  let log: vscode.LogOutputChannel;
  before(async () => {
    log = vscode.window.createOutputChannel('Token Lens (test)', { log: true });
    await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  beforeEach(() => {
    store = new DisposableStore();
  });
  afterEach(async () => {
    store.dispose();
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
  after(async () => {
    log.dispose();
    await useModel(undefined);
  });

  type Memory = ConstructorParameters<typeof LensModel>[4];
  function lens(memento: vscode.Memento, memory: Memory): ScoredDocuments {
    const config = store.add(new Config());
    const focus = store.add(new WindowFocus(config));
    const files = { worker: inExtension('dist/worker.js'), bundledModel: inExtension('test/fixtures/tiny-gpt2'), cacheFolder: undefined };
    const model = store.add(new LensModel(config, focus, files, log, memory));
    return store.add(
      new ScoredDocuments({ config, model, focus, pauses: new Pauses(), watch: store.add(new WatchWords(memento)), log }, memento),
    );
  }

  it('remembers over a restart of the window which documents it is on for', async () => {
    const memento = new Memento();
    const [on, off] = [await untitled('The harbour was quiet.'), await untitled('Another text.')];
    await vscode.window.showTextDocument(on);
    const enough = { freeBytes: () => undefined, ask: () => Promise.resolve(false) };
    const before = lens(memento, enough);
    before.setOn(on, true);
    before.setOn(off, true);
    before.setOn(off, false);
    store.dispose();
    store = new DisposableStore();
    const after = lens(memento, enough);
    assert.deepEqual([after.isOn(on), after.isOn(off)], [true, false]);
    await eventually('it is scored without being asked', () => after.view(on)?.complete === true);
  });

  it('loads no model where memory is short, before somebody says so', async () => {
    const questions: ((load: boolean) => void)[] = [];
    const ask = () => new Promise<boolean>(resolve => questions.push(resolve));
    const scored = lens(new Memento(), { freeBytes: () => 1000, ask });
    const document = await untitled('The harbour was quiet.');
    await vscode.window.showTextDocument(document);
    const isRefused = () => {
      const state = scored.state(document);
      return state.kind === 'refused' && state.reason.kind === 'memory';
    };
    scored.setOn(document, true);
    await eventually('it says that memory is short', isRefused);
    await assert.rejects(scored.complete(document), (error: unknown) => error instanceof Refusal && error.message.includes('MB of memory'));
    assert.equal(questions.length, 1);
    questions[0]?.(false);
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), 'New. ');
    await vscode.workspace.applyEdit(edit);
    await new Promise(resolve => setTimeout(resolve, 600));
    assert.ok(isRefused());
    assert.equal(questions.length, 1);
    scored.setOn(document, false);
    scored.setOn(document, true);
    await eventually('it asks again', () => questions.length === 2);
    questions[1]?.(true);
    await eventually('it is scored', () => scored.view(document)?.complete === true);
    assert.equal(questions.length, 2);
  });
});
