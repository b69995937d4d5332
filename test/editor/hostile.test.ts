import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { internalCommands, publicCommands } from '../../src/core/contributions';
import type { CommandId } from '../../src/core/contributions';
import { hoverMarkdown, plainPieces, safeLabel } from '../../src/core/hoverText';
import { formatCount } from '../../src/core/numberText';
import { piecesOfBytes } from '../../src/core/vocabulary';
import { showErrorMessage, showInformationMessage, showProgress, showWarningMessage } from '../../src/notices';
import { isAsked } from '../../src/views/alternatives';
import { Announcer } from '../../src/views/byEar';
import { LongReading } from '../../src/views/longReading';
import { nodeOf, StretchesTree } from '../../src/views/stretchesTree';
import { SurprisesTree } from '../../src/views/surprisesTree';
import { hostileTexts } from '../core/hostile';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import { list, listed } from './picks';

/** All single attacks, and as many made of them: one hover holds them all. */
const texts = hostileTexts(180).map(text => text.toWellFormed());
/** For what is no work for VS Code. */
const manyTexts = hostileTexts(10_000);
const linkAttack = '[free](command:workbench.action.toggleZenMode)';

/** What VS Code itself makes of hostile text; test/core/hostileText.test.ts has many more cases. */
describe('hostile text in VS Code', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  after(async () => {
    await useModel(undefined);
  });
  afterEach(async () => {
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('is text in a hover: no link but ours, no picture, no other element', async () => {
    const tokens = texts.map(text => piecesOfBytes(new TextEncoder().encode(text)));
    const link = `command:tokenLens.showAlternatives?${encodeURIComponent('[{}]')}`;
    const provider = vscode.languages.registerHoverProvider('plaintext', {
      provideHover: () => {
        const row = (token: (typeof tokens)[number]) => ({ rank: 1, token, probability: 0.5, actual: false, link });
        const table = (token: (typeof tokens)[number]) => ({
          headings: ['Rank', 'Token', 'P'] as const,
          rows: [row(token)],
          everythingElse: { label: 'rest', probability: 0.5 },
          actualMark: 'here',
        });
        const content = new vscode.MarkdownString(
          hoverMarkdown(
            tokens.map(token => ({ token, lines: ['Bits.'], table: table(token) })),
            'disabledForeground',
          ),
        );
        content.supportHtml = true;
        content.isTrusted = { enabledCommands: ['tokenLens.showAlternatives', 'tokenLens.continueFromHere'] };
        // Longer ones are cut by VS Code.
        return new vscode.Hover(split(content));
      },
    });
    try {
      await vscode.window.showTextDocument(await untitled('harbour'));
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
      await eventually('the hover is there', async () => {
        await vscode.commands.executeCommand('editor.action.showHover');
        return (await browser.evaluate<number>(`document.querySelectorAll('.monaco-hover code').length`)) >= 2 * texts.length;
      });
      await browser.screenshot('hostile-hover');
      const shown = await browser.evaluate<{
        readonly codes: readonly string[];
        readonly links: readonly string[];
        readonly kinds: readonly string[];
      }>(`(() => {
        const hover = [...document.querySelectorAll('.monaco-hover')].find(each => each.querySelector('code'));
        return {
          codes: [...hover.querySelectorAll('code')].map(code => code.textContent),
          links: [...new Set([...hover.querySelectorAll('a')].map(link => link.dataset.href ?? link.href))],
          kinds: [...new Set([...hover.querySelectorAll('.rendered-markdown *')].map(each => each.localName))].sort(),
        };
      })()`);
      const marked = (name: string) => name.replaceAll('◌', '');
      assert.deepEqual(shown.codes.map(marked), tokens.flatMap(token => [plainPieces(token), plainPieces(token)]).map(marked));
      assert.deepEqual(shown.links, [link]);
      assert.deepEqual(
        shown.kinds.filter(
          kind => !['a', 'code', 'div', 'em', 'h3', 'hr', 'p', 'span', 'table', 'tbody', 'td', 'th', 'thead', 'tr'].includes(kind),
        ),
        [],
      );
    } finally {
      provider.dispose();
    }
  });

  it('is text in the list of surprises', async () => {
    const line = 'be \u202eabc $(trash) $(sync~spin) <img src=x> [x](command:workbench.action.quit) zqxj';
    const document = await untitled(line);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('it is scored', () => api.scores(document.uri) !== undefined);
    await vscode.commands.executeCommand('tokenLens.surprises.focus');
    await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel'); // rows that cannot be seen are not in the page
    try {
      const rows = `[...document.querySelectorAll('.pane .monaco-list-row')]`;
      let shown = '';
      await eventually('the line is listed', async () => {
        shown = (await browser.evaluate<string>(`${rows}.map(row => row.innerText).join('\\n')`)).replaceAll('\u00a0', ' ');
        return shown.includes(line.replace('\u202e', '⟨U+202E⟩'));
      }).catch((error: unknown) => {
        throw new Error(JSON.stringify(shown), { cause: error });
      });
      await browser.screenshot('hostile-tree');
      const marks = ':is(img, .codicon-trash, .codicon-sync, a[href])';
      assert.equal(await browser.evaluate<number>(`${rows}.flatMap(row => [...row.querySelectorAll('${marks}')]).length`), 0);
      assert.doesNotMatch(shown, /[\u202a-\u202e\u2066-\u2069]/);
    } finally {
      await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    }
  });

  it('is text in a list to choose from', async () => {
    const pick = vscode.window.createQuickPick();
    const label = `${linkAttack} $(trash) <b>x</b>`;
    pick.items = [{ label: safeLabel(label), description: safeLabel(label), detail: safeLabel(label) }];
    pick.show();
    try {
      const row = '.quick-input-list .monaco-list-row';
      let text = '';
      // The list of a test before this one may still be there.
      await eventually('all of it is shown as text', async () => {
        text = await browser.evaluate<string>(`document.querySelector('${row}')?.innerText ?? ''`);
        return text.replaceAll('\u2060', '').split(label).length === 4;
      }).catch((error: unknown) => {
        throw new Error(text, { cause: error });
      });
      await browser.screenshot('hostile-pick');
      assert.equal(await browser.evaluate<number>(`document.querySelectorAll('${row} :is(b, .codicon-trash, a[href])').length`), 0);
    } finally {
      pick.dispose();
    }
  });

  /** What a caller may give that was made for something else, or by somebody who wants to know what happens. */
  function wrongArguments(uri: string): readonly unknown[] {
    const bare: unknown = Object.create(null);
    const others: readonly unknown[] = [undefined, null, 0, NaN, '', true, [], {}, () => undefined, Symbol('x'), 10n, bare];
    const almost: readonly unknown[] = [
      { uri, version: '1', start: 0, end: 1_000 },
      { uri, version: NaN, offset: 0, id: 0 },
      { uri: 1, version: 1, offset: 0, id: 0 },
      { uri, version: 1, offset: -1, id: 0 },
      { uri, version: 1, offset: 0, id: 0.5 },
      { uri: 'file:///etc/passwd', version: 1, start: 0, end: 1_000 },
      { start: -1, end: 2 ** 60, filler: 'constructor', text: {} },
      { kind: 'text', text: { length: 1 }, name: 'x' },
      { kind: '__proto__', text: 'x', name: 'x' },
      ...texts.slice(0, 40).map(text => ({ uri: text, version: 1, start: text, end: {}, kind: text, text: {}, filler: text })),
    ];
    return [...others, ...almost];
  }

  const settingsNow = () => JSON.stringify(vscode.workspace.getConfiguration('tokenLens'));

  it('changes no text, no preamble and no setting as an argument of any command', async function () {
    this.timeout(300_000);
    const document = await untitled('The harbour was quiet.');
    const show = () => vscode.window.showTextDocument(document, { preview: false });
    await show();
    const wrong = wrongArguments(document.uri.toString());
    const unseen = { kind: 'text', text: 'The rain is here.\n', name: 'notes.md' };
    const preambleNow = async () => (await api.score(document.uri)).provenance.preamble;
    await vscode.commands.executeCommand('tokenLens.setPreamble', unseen);
    const preamble = await preambleNow();
    assert.equal(preamble?.name, 'notes.md');
    const [settings, others] = [settingsNow(), vscode.workspace.textDocuments.filter(each => each !== document)];
    const contents = others.map(each => each.getText());
    const failed: string[] = [];
    const asking: ReadonlySet<CommandId> = new Set([
      'tokenLens.goToPlace',
      'tokenLens.showAlternatives',
      'tokenLens.continueFromHere',
      'tokenLens.ablateSelection',
      'tokenLens.showEffects',
      'tokenLens.setPreamble',
    ]);
    const isNearly = (at: number) => at >= 12 && at < 21;
    for (const [index, command] of [...publicCommands, ...internalCommands].entries()) {
      // Those that read theirs get what looks nearly right to one of them. Every other gets one or two: each takes its time to open what it opens.
      const given = wrong.filter((_, at) => at % 48 === index % 48 || (asking.has(command) && isNearly(at)));
      for (const argument of given) {
        await show();
        let isDone = false;
        const ended = () => {
          isDone = true;
        };
        vscode.commands.executeCommand(command, argument).then(ended, (error: unknown) => {
          failed.push(`${command}: ${String(error)}`);
          ended();
        });
        // What it asks is not answered.
        await eventually(`${command} ends`, async () => {
          if (!isDone) await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
          return isDone;
        });
      }
      assert.equal(document.getText(), 'The harbour was quiet.', command);
      assert.equal(settingsNow(), settings, command);
      // Is remembered, and would be on for the tests after this one.
      if (command === 'tokenLens.toggleStretches' && given.length % 2 === 1) await vscode.commands.executeCommand(command);
      if (command === 'tokenLens.removePreamble') {
        // It does so whatever it is given.
        assert.equal(await preambleNow(), undefined);
        await vscode.commands.executeCommand('tokenLens.setPreamble', unseen);
      }
      assert.deepEqual(await preambleNow(), preamble, command);
    }
    assert.deepEqual(failed, []);
    assert.deepEqual(
      others.map(each => each.getText()),
      contents,
    );
    for (const argument of wrong) assert.equal(isAsked(argument), false);
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('changes no text and no setting as an argument of the API, which opens nothing for it and says what is wrong', async () => {
    const document = await untitled('The harbour was quiet.');
    await vscode.window.showTextDocument(document);
    const [settings, open] = [settingsNow(), vscode.workspace.textDocuments.length];
    const called = api as unknown as Readonly<
      Record<'score' | 'scoreText' | 'inspectText' | 'scores', (...args: readonly unknown[]) => unknown>
    >;
    for (const argument of wrongArguments(document.uri.toString())) {
      const calls: readonly (readonly [name: keyof typeof called, args: readonly unknown[]])[] = [
        ['score', [argument]],
        ['scores', [argument]],
        ['inspectText', [argument, { start: 0, end: 1 }, 'x']],
        ['inspectText', [document.uri, argument, 'x']],
        ...(typeof argument === 'string' ? [] : [['inspectText', [document.uri, { start: 0, end: 1 }, argument]] as const]),
        ...(typeof argument === 'string' ? [] : [['scoreText', [argument, argument, argument]] as const]),
      ];
      for (const [name, args] of calls) {
        let said: unknown;
        try {
          await called[name](...args);
        } catch (error) {
          said = error;
        }
        assert.ok(
          said instanceof Error && said.message.length > 5 && !/undefined|not a function/.test(said.message),
          `${name} ${String(said)}`,
        );
      }
    }
    assert.equal(document.getText(), 'The harbour was quiet.');
    assert.equal(settingsNow(), settings);
    assert.equal(vscode.workspace.textDocuments.length, open);
  });

  it(`is text in the rows of both lists: labels, descriptions, tooltips and what is read aloud, ${formatCount(manyTexts.length)} cases`, async () => {
    const place = { uri: 'file:///a', version: 1, start: 0, end: 1 };
    const rowsIn = (item: vscode.TreeItem) =>
      [item.label, item.description, item.tooltip, item.accessibilityInformation?.label].filter(said => said !== undefined);
    const assertText = (item: vscode.TreeItem) => {
      for (const said of rowsIn(item)) {
        assert.ok(typeof said === 'string', 'a plain string is drawn as text'); // and no Markdown
        assert.doesNotMatch(said.replaceAll('\n', ''), /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u);
        assert.ok(said.split('\n').length <= 2, said);
        assert.ok(said.length < 400, said);
      }
    };
    const pieces = (text: string) => piecesOfBytes(new TextEncoder().encode(text));
    for (const text of manyTexts) {
      const surprise = { span: place, token: pieces(text), bits: 9, rank: 4, expected: pieces(text) };
      assertText(SurprisesTree.prototype.getTreeItem({ kind: 'surprise', surprise, place }));
      assertText(SurprisesTree.prototype.getTreeItem({ kind: 'line', line: 3, text, place, surprises: [] }));
    }
    // VS Code holds some of it as other line ends and characters.
    const document = await vscode.workspace.openTextDocument({ content: manyTexts.join('\n') });
    const whole = document.getText();
    for (let start = 0; start < whole.length; start += 97) {
      const span = { start, end: Math.min(whole.length, start + 97) };
      const node = nodeOf(document, { ...span, words: 5, bits: 2, echoOf: span });
      for (const each of [node, ...node.children]) assertText(StretchesTree.prototype.getTreeItem(each));
    }
  });

  /** In all notices. */
  const links = `document.querySelectorAll('.notifications-center .notification-list-item-message a').length`;

  async function assertPlain(said: string): Promise<string> {
    await eventually(`it says ${said}`, async () => (await notices()).includes(said));
    const shown = await notices();
    assert.equal(await browser.evaluate<number>(links), 0, shown);
    assert.ok(shown.replaceAll('\u2060', '').includes('[free](command:'), shown); // it is there, as text
    return shown;
  }

  it('is no link and no icon in what is announced, though VS Code would make one of it', async () => {
    void vscode.window.showInformationMessage(`raw ${linkAttack}`);
    await eventually('it says so', async () => (await notices()).includes('raw'));
    assert.equal(await browser.evaluate<number>(links), 1, 'of a message as it is');
    await clearNotices();
    const announcer = new Announcer({ announces: 'always' });
    try {
      announcer.say(`said ${linkAttack} $(trash)`);
      await assertPlain('said');
      await browser.screenshot('hostile-said');
      assert.equal(await browser.evaluate<number>(`document.querySelectorAll('.statusbar .codicon-trash').length`), 0);
    } finally {
      announcer.dispose();
    }
  });

  it('is no link in any message, progress or step of it, and chooses no button', async () => {
    for (const [index, show] of [showInformationMessage, showWarningMessage, showErrorMessage].entries()) {
      const hidden = `\u202e${linkAttack}\n${'long '.repeat(500)}`;
      const answer = show(`said ${String(index)} ${hidden}`, { title: 'First' }, { title: 'Second' });
      const shown = await assertPlain(`said ${String(index)}`);
      assert.ok(shown.includes('⟨U+202E⟩') && shown.length < 1_200, shown);
      await browser.click('.notifications-center .notification-list-item-buttons-container .monaco-button:has-text("Second")');
      assert.deepEqual(await answer, { title: 'Second' });
      await clearNotices();
    }
    let end: (() => void) | undefined;
    const running = showProgress({ title: `runs ${linkAttack}` }, progress => {
      progress.report({ message: `step ${linkAttack}` });
      return new Promise<void>(resolve => {
        end = resolve;
      });
    });
    await assertPlain('runs');
    await assertPlain('step');
    end?.();
    await running;
  });

  it('is no link in what is said of a reading', async () => {
    const reading = new LongReading();
    const asked = reading.run(`After ${linkAttack}`, 1_000_000, () => Promise.resolve(1));
    await assertPlain('The model reads about');
    await clearNotices();
    assert.equal(await asked, undefined);
  });

  it('is no link in what is said of a model folder, by its name or by what its files say', async () => {
    const parent = mkdtempSync(path.join(tmpdir(), 'token-lens-hostile-'));
    try {
      const folder = path.join(parent, linkAttack);
      cpSync(inExtension('test/fixtures/tiny-gpt2'), folder, { recursive: true });
      const config = path.join(folder, 'config.json');
      const dtype = `${linkAttack}\n${'x'.repeat(2_000)}`;
      writeFileSync(
        config,
        JSON.stringify({ ...(JSON.parse(readFileSync(config, 'utf8')) as object), 'transformers.js_config': { dtype } }),
      );
      await useModel(folder);
      await vscode.window.showTextDocument(await untitled('harbour'));
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
      await list('selectModel');
      await browser.type('ZenMode');
      await eventually('the folder stands alone', async () => (await listed()).length === 1);
      await browser.press('Enter');
      const all = await assertPlain('Its number format is not known');
      const shown = all.split('\n').find(message => message.includes('Its number format is not known')) ?? '';
      await browser.screenshot('hostile-folder');
      assert.equal(shown.replaceAll('\u2060', '').split('[free](command:').length, 3, 'the folder and what it says');
      assert.ok(shown.length < 700, shown);
    } finally {
      await useModel(inExtension('test/fixtures/tiny-gpt2'));
      rmSync(parent, { recursive: true }); // what this test has made
    }
  });
});

/** VS Code cuts what is longer than 100,000 characters: at the lines between tokens it can be several. */
function split(whole: vscode.MarkdownString): vscode.MarkdownString[] {
  const parts = whole.value.split('\n\n---\n\n');
  const size = 40;
  return Array.from({ length: Math.ceil(parts.length / size) }, (_, index) => {
    const part = new vscode.MarkdownString(parts.slice(index * size, (index + 1) * size).join('\n\n---\n\n'));
    part.supportHtml = whole.supportHtml ?? false;
    if (whole.isTrusted !== undefined) part.isTrusted = whole.isTrusted;
    return part;
  });
}
