import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { DisposableStore } from '../../src/disposable';
import type { LastingMemory } from '../../src/lastingMemory';
import { Refusal } from '../../src/refusal';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { Memento, ownLens } from './ownLens';
import type { OwnParts } from './ownLens';

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

  function lens(memento: LastingMemory, memory: OwnParts['memory']): ScoredDocuments {
    return ownLens(store, { log, memento, memory, bundledModel: inExtension('test/fixtures/tiny-gpt2') });
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
