import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { Config } from '../../src/config';
import { scoredCells, tokenScores } from '../../src/core/report';
import { DisposableStore } from '../../src/disposable';
import { Looks } from '../../src/looks';
import { Pauses } from '../../src/pauses';
import { Readings } from '../../src/readings';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { Shown } from '../../src/shown';
import { DecorationView } from '../../src/views/decorations';
import { reportFailures } from '../../src/views/failures';
import { WatchWords } from '../../src/watchWords';
import { activated, assertSameScores, eventually, inExtension, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import { Memento, ownLens } from './ownLens';
import type { OwnParts } from './ownLens';
import { processes } from './processes';
import { assertTopDrawn, setTheme, shortLines } from './screen';

const everything = { start: 0, end: Infinity };
const worker = 'planned.cjs';
/** A call is given up after twelve of them, opening a model after sixty. */
const tickMs = 250;
/** Of this process between two turns of its loop, by the processor's clock: what other programs take is not ours. */
const mostBusyMs = 1_000;

/** Faults in the middle of scoring, and what a person sees of them: the colours are those of a lens of its own, whose process does as planned. */
describe('a fault of the model process in the middle of scoring', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let folder: string;
  let graph: string;
  let store: DisposableStore;
  let log: vscode.LogOutputChannel;
  let lens: ScoredDocuments;
  let looks: Looks;
  let document: vscode.TextDocument;
  let text: string;
  let round = 0;

  before(async () => {
    if (process.platform === 'win32') assert.fail('These tests find processes by pgrep.');
    api = await activated();
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-process-faults-'));
    process.env['TOKEN_LENS_PLAN'] = folder;
    cpSync(inExtension('test/fixtures/tiny-gpt2'), path.join(folder, 'tiny'), { recursive: true });
    graph = path.join(folder, 'tiny/onnx/model.onnx');
    await useModel(path.join(folder, 'tiny'));
    await setTheme('Default Dark Modern');
    log = vscode.window.createOutputChannel('Token Lens (test of process faults)', { log: true });
  });
  after(async () => {
    log.dispose();
    await setTheme(undefined);
    await useModel(undefined);
    delete process.env['TOKEN_LENS_PLAN'];
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    store = new DisposableStore();
    await clearNotices();
    await begin({});
  });
  afterEach(async () => {
    plan(undefined);
    store.dispose();
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually('no process is left', () => processes(worker).length === 0);
  });

  const plan = (fault: string | undefined) => {
    writeFileSync(path.join(folder, 'plan'), fault ?? '');
    if (fault === undefined) unlinkSync(path.join(folder, 'plan'));
  };
  const starts = () => readFileSync(path.join(folder, 'starts'), 'utf8').split('\n').length - 1;
  const stateOf = () => lens.state(document);

  /** A lens that draws, on for a document that it has scored. */
  async function begin(more: Partial<OwnParts>): Promise<void> {
    const memento = new Memento();
    const memory = { freeBytes: () => undefined, ask: () => Promise.resolve(false) };
    const own = { log, memento, memory, bundledModel: '', worker: inExtension('test/fixtures/workers', worker), tickMs, ...more };
    lens = ownLens(store, own);
    const pauses = new Pauses();
    looks = store.add(new Looks(store.add(new Config()), store.add(new WatchWords(memento)), memento));
    const nothingLeftOut = { onDidChangeShown: store.add(new vscode.EventEmitter<vscode.TextDocument>()).event, shown: unchanged };
    const readings = store.add(new Readings(lens, pauses));
    const shown = store.add(new Shown({ scored: lens, looks, leftOut: nothingLeftOut, pauses, readings }));
    store.add(new DecorationView({ scored: lens, shown, pauses, others: [] }));
    store.add(reportFailures(lens, { set: () => undefined }, () => undefined));
    text = newText();
    document = await untitled(text);
    await vscode.window.showTextDocument(document);
    lens.setOn(document, true);
    await assertRight();
  }

  /** Of which nothing is known. Short lines first: an editor has room for so many ranges. */
  function newText(): string {
    round++;
    const rest = ' The harbour was quiet before dawn, and nobody had come for the boats.';
    const lines = Array.from({ length: 800 }, (_, line) => `${String(round)}.${String(line)} harbour${line < shortLines ? '' : rest}`);
    return `${lines.join('\n')}\n`;
  }

  /** Another text; comes back when the screen shows some of its scores, and not all are there. */
  async function scoring(): Promise<void> {
    text = newText();
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
    const underWay = new Promise<void>(resolve => {
      const listening = lens.onDidChange(() => {
        const state = stateOf();
        if (state.kind !== 'scoring' || state.tokens === 0 || state.scored === 0 || document.getText() !== text) return;
        listening.dispose();
        resolve();
      });
    });
    assert.ok(await vscode.workspace.applyEdit(edit));
    await vscode.commands.executeCommand('cursorTop');
    await underWay;
    assert.notEqual(stateOf().kind, 'ready');
  }

  /** Nobody does anything but wait. */
  async function assertRight(): Promise<void> {
    await eventually('it is scored', () => stateOf().kind === 'ready', 60_000);
    assert.equal(document.getText(), text);
    const view = lens.view(document);
    assert.ok(view?.complete);
    // Those of the extension that runs, whose process is well.
    assertSameScores({ tokens: tokenScores(view.table) }, await api.score(document.uri));
    await assertTopDrawn(document, { cells: scoredCells(view.cellsIn(everything), looks.tokenEdges(document)) }, 'dark');
    assert.equal(processes(worker).length, 1);
  }

  /** Does it in the middle of scoring, waits for what comes of it, and looks at all that was shown as current meanwhile. */
  async function through(fault: () => unknown, then: () => Promise<void>): Promise<void> {
    await scoring();
    const seen = new Map<string, number>();
    const listening = lens.onDidChange(() => {
      const cells = lens.view(document)?.cellsIn({ start: 0, end: 3_000 });
      for (let index = 0; index < (cells?.length ?? 0); index++) {
        const bits = cells?.bits[index] ?? NaN;
        if (!Number.isNaN(bits))
          seen.set(`${String(document.version)} ${String(cells?.starts[index])}-${String(cells?.ends[index])}`, bits);
      }
    });
    let [busyMs, before] = [0, process.cpuUsage()];
    const turns = setInterval(() => {
      const { user, system } = process.cpuUsage(before);
      [busyMs, before] = [Math.max(busyMs, (user + system) / 1000), process.cpuUsage()];
    }, 5);
    await fault();
    await then();
    clearInterval(turns);
    listening.dispose();
    assert.ok(busyMs < mostBusyMs, `${String(busyMs)} ms without a turn`);
    const cells = lens.view(document)?.cellsIn({ start: 0, end: 3_000 });
    assert.ok(cells && cells.length > 300);
    let compared = 0;
    for (let index = 0; index < cells.length; index++) {
      const bits = seen.get(`${String(document.version)} ${String(cells.starts[index])}-${String(cells.ends[index])}`);
      if (bits === undefined) continue;
      compared++;
      assert.ok(Math.abs(bits - (cells.bits[index] ?? NaN)) < 1e-3, 'what was shown as current was right');
    }
    assert.ok(compared > 300, String(compared));
  }

  const signal = (name: NodeJS.Signals) => {
    const [found] = processes(worker);
    assert.ok(found !== undefined);
    process.kill(found, name);
  };

  for (const [name, fault] of [
    ['killed, and the next one floods', 'floods'],
    ['killed, and the next one floods with rows', 'floods-rows'],
    ['killed, and the next one answers garbage', 'garbage:18'],
    ['killed, and the next one closes its channel', 'closes'],
  ] as const)
    it(`${name}: without a word all is right again`, async () => {
      const before = starts();
      await through(() => {
        plan(`once ${fault}`);
        signal('SIGKILL');
      }, assertRight);
      assert.equal(starts() - before, 2);
      assert.equal(await notices(), '');
    });

  it('killed, and the next one has too little memory: without a word all is right again', async () => {
    const before = starts();
    const { NODE_OPTIONS: options } = process.env;
    await through(async () => {
      process.env['NODE_OPTIONS'] = '--max-old-space-size=8';
      signal('SIGKILL');
      await eventually('the next one has started', () => starts() > before);
      if (options === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = options;
    }, assertRight);
    assert.equal(starts() - before, 2);
    assert.equal(await notices(), '');
  });

  it('hangs: without a word all is right again', async () => {
    const before = starts();
    await through(() => {
      signal('SIGSTOP');
    }, assertRight);
    assert.equal(starts() - before, 1);
    assert.equal(await notices(), '');
  });

  /** It goes wrong until somebody has mended it and turns the lens off and on. */
  async function failsUntil(fault: () => void, says: RegExp, mend: () => void): Promise<void> {
    await through(fault, async () => {
      await eventually('it has failed', () => stateOf().kind === 'failed', 60_000);
      assert.equal(document.getText(), text);
      await eventually('there is a message', async () => says.test(await notices()));
      assert.equal((await notices()).trim().split('\n').length, 1, await notices());
      mend();
      lens.setOn(document, false);
      lens.setOn(document, true);
      await assertRight();
      assert.equal((await notices()).trim().split('\n').length, 1, await notices());
    });
  }

  it('killed, and all others flood: one message, and with one that does not all is right without a reload', async () => {
    const before = starts();
    await failsUntil(
      () => {
        plan('always floods');
        signal('SIGKILL');
      },
      /Turn the lens off and on again to retry/,
      () => {
        assert.equal(starts() - before, 2); // after three deaths nobody goes on trying
        plan(undefined);
      },
    );
    assert.equal(starts() - before, 3);
  });

  for (const [name, says, spoil] of [
    ['truncated', /Its model file cannot be opened/, () => truncateSync(graph, 100_000)],
    ['deleted', /Files are missing|There is no model/, () => unlinkSync(graph)],
  ] as const)
    it(`model file ${name}: one message, and with the file put right all is right without a reload`, async () => {
      await failsUntil(
        () => {
          spoil();
          if (name === 'deleted') signal('SIGKILL'); // a process that runs has all of it in memory
        },
        says,
        () => {
          cpSync(inExtension('test/fixtures/tiny-gpt2/onnx/model.onnx'), graph);
        },
      );
    });

  it('nothing can be stored: all is right, without a word', async () => {
    store.dispose();
    store = new DisposableStore();
    mkdirSync(path.join(folder, 'storage'), { recursive: true });
    writeFileSync(path.join(folder, 'storage/file'), '');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await begin({ cacheFolder: path.join(folder, 'storage/file/below') });
    assert.equal(await notices(), '');
  });
});

function unchanged<T>(_document: vscode.TextDocument, cells: T): T {
  return cells;
}
