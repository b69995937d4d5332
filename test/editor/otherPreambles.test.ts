import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore } from '../../src/disposable';
import { ModelError } from '../../src/model/errors';
import { Pauses } from '../../src/pauses';
import { preambleOfFile, Preambles } from '../../src/preambles';
import { Readings } from '../../src/readings';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { reportFailures } from '../../src/views/failures';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled } from './documents';
import { clearNotices, notices } from './notices';
import { Memento, ownLens } from './ownLens';

const never = new AbortController().signal;
const text = 'The boats came.\nIt is quiet.\nThe rain is here.\n';
const notes = { kind: 'text', text: 'The harbour was quiet.\n', name: 'notes.md' } as const;
const other = { kind: 'text', text: 'Fog.\n', name: 'fog.md' } as const;
const whole = { start: 0, end: text.length };

describe('a preamble that changes', function () {
  this.timeout(60_000);
  const store = new DisposableStore();
  let preambles: Preambles;
  let scored: ScoredDocuments;
  let document: vscode.TextDocument;
  let told: string[];

  before(async () => {
    await activated();
    const memento = new Memento();
    preambles = store.add(new Preambles(memento));
    store.add(preambles.onDidChange(({ uri }) => told.push(uri.toString())));
    scored = ownLens(store, {
      log: store.add(vscode.window.createOutputChannel('Other preambles', { log: true })),
      memento,
      bundledModel: inExtension('test/fixtures/tiny-gpt2'),
      memory: { freeBytes: () => undefined, ask: () => Promise.resolve(true) },
      preambles,
    });
  });
  after(() => store.dispose());
  beforeEach(async () => {
    told = [];
    document = await untitled(text);
    await vscode.window.showTextDocument(document, { preview: false });
  });
  afterEach(async () => {
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  const isCancelled = (error: unknown) => error instanceof ModelError && error.code === 'cancelled';

  it('ends a reading that nothing was read of yet, instead of giving it the numbers of before', async () => {
    scored.setOn(document, true);
    const late = {
      isOn: () => true,
      onDidChange: scored.onDidChange,
      view: (of: vscode.TextDocument) => scored.view(of),
      complete: scored.complete.bind(scored),
      ask: ((...asked: Parameters<ScoredDocuments['ask']>) => {
        if (!preambles.of(document)) preambles.set(document, notes); // while the first answer is on its way
        return scored.ask(...asked);
      }) as ScoredDocuments['ask'],
    };
    const readings = new Readings(late, new Pauses());
    await assert.rejects(readings.plan(document, { of: 'needs' }, whole, never), isCancelled);
    preambles.set(document, undefined);
    readings.dispose();
  });

  it('ends one that is planned, before it is read', async () => {
    scored.setOn(document, true);
    const readings = new Readings(scored, new Pauses());
    const plan = await readings.plan(document, { of: 'needs' }, whole, never);
    preambles.set(document, notes);
    let steps = 0;
    await assert.rejects(
      readings.read(plan, plan.steps, never, () => steps++),
      isCancelled,
    );
    assert.equal(steps, 0);
    const again = await readings.plan(document, { of: 'needs' }, whole, never);
    await readings.read(again, again.steps, never, () => steps++);
    assert.equal(readings.of(document)?.view.provenance.preamble?.name, 'notes.md');
    preambles.set(document, undefined);
    readings.dispose();
  });

  it('is told where it gives way to those of other documents', async () => {
    preambles.set(document, notes);
    for (let count = 0; count < 20; count++) preambles.set(await untitled('Rain.'), other);
    assert.equal(preambles.of(document), undefined);
    assert.equal(told.filter(uri => uri === document.uri.toString()).length, 2);
  });

  it('goes with a folder that gets another name, and the scores are of it', async () => {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'token-lens-renamed-')));
    try {
      mkdirSync(path.join(folder, 'one'));
      writeFileSync(path.join(folder, 'one', 'boats.txt'), text);
      const [before, after] = ['one', 'two'].map(name => vscode.Uri.file(path.join(folder, name)));
      assert.ok(before && after);
      const file = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(before, 'boats.txt'));
      await vscode.window.showTextDocument(file, { preview: false });
      preambles.set(file, notes);
      scored.setOn(file, true);
      assert.equal((await scored.complete(file)).provenance.preamble?.name, 'notes.md');
      const edit = new vscode.WorkspaceEdit();
      edit.renameFile(before, after);
      assert.ok(await vscode.workspace.applyEdit(edit));
      const moved = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(after, 'boats.txt'));
      await eventually('it has gone with it', () => preambles.of(moved)?.name === 'notes.md');
      assert.ok(told.includes(moved.uri.toString()));
      assert.equal((await scored.complete(moved)).provenance.preamble?.name, 'notes.md');
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      rmSync(folder, { recursive: true }); // what this test has made
    }
  });

  it('goes with an untitled document that becomes a file', async () => {
    preambles.set(document, notes);
    const file = await untitled(text);
    preambles.follow(document, file);
    assert.equal(preambles.of(file)?.name, 'notes.md');
    assert.ok(told.includes(file.uri.toString()));
  });

  it('of a file is kept by where the file is, and never by its text; it is read again when its document is opened', async () => {
    await clearNotices(); // of other tests
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'token-lens-kept-')));
    const memento = new Memento();
    const key = 'tokenLens.preambles';
    const kept = () => JSON.stringify(memento.get(key));
    try {
      const [file, notesFile] = [path.join(folder, 'boats.txt'), path.join(folder, 'notes.md')];
      writeFileSync(file, text);
      writeFileSync(notesFile, 'Zqharn came in.');
      const boats = await vscode.workspace.openTextDocument(file);
      const window = () => {
        const own = new DisposableStore();
        return { own, found: own.add(new Preambles(memento)) };
      };
      const first = window();
      first.found.set(boats, await preambleOfFile(vscode.Uri.file(notesFile)));
      first.found.set(document, { kind: 'text', text: 'Vexwole, typed.', name: null });
      assert.ok(kept().includes('notes.md') && !/Zqharn|Vexwole/.test(kept()), kept());
      first.own.dispose();

      await clearNotices(); // of other tests, which may come late
      const second = window();
      await eventually('it is read again', () => second.found.of(boats)?.text === 'Zqharn came in.\n');
      assert.equal(second.found.of(document), undefined, 'what was typed went with the window');
      assert.equal(await notices(), '');
      second.own.dispose();

      writeFileSync(notesFile, 'Zqharn went out.');
      const third = window();
      await eventually('that it has changed is said', async () => (await notices()).includes('has changed since it was chosen'));
      assert.equal(third.found.of(boats)?.text, 'Zqharn went out.\n');
      third.own.dispose();
      await clearNotices();

      unlinkSync(notesFile);
      const fourth = window();
      await eventually('that it is gone is said', async () => (await notices()).includes('cannot be read any more'));
      assert.equal(fourth.found.of(boats), undefined);
      assert.equal(memento.get(key), undefined);
      fourth.own.dispose();

      // As a version before this one kept it.
      await memento.update(key, [[boats.uri.toString(), { kind: 'text', text: 'Zqharn.', name: 'notes.md', sha256: '00' }]]);
      const fifth = window();
      assert.equal(memento.get(key), undefined);
      assert.equal(fifth.found.of(boats), undefined);
      fifth.own.dispose();
    } finally {
      rmSync(folder, { recursive: true }); // what this test has made
    }
  });

  it('as a question that the model cannot be put is said in words, and a click removes it', async () => {
    store.add(reportFailures(scored, preambles, () => undefined));
    preambles.set(document, { kind: 'chat', text: 'Write about boats.', name: null });
    scored.setOn(document, true);
    await eventually('it is said', async () => (await notices()).includes('no chat template'));
    await browser.click('.notifications-center .notification-list-item-buttons-container .monaco-button');
    await eventually('it is removed', () => preambles.of(document) === undefined);
    assert.equal((await scored.complete(document)).provenance.preamble, undefined);
  });
});
