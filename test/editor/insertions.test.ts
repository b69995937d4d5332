import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, comesTrue, eventually, scoresOfText, untitled } from './documents';
import { editorHasFocus, followHoverLink, setTheme, shownEditors, spokenEntry, themes } from './screen';

const patienceMs = 20_000;
/** Longer than an edit takes to be judged, and than the model takes to read a line. */
const restMs = 1_500;
const emptyHanded = 'Nothing has been inserted into this document';
const code = `// The sum of a list of numbers.
function sum(numbers) {
  let total = 0;
  for (const number of numbers) {
    total += number;
  }
  return total;
}

// The mean of a list of numbers.
function mean(numbers) {
  if (numbers.length === 0) return 0;
  const total = sum(numbers);
  con
  return total / numbers.length;
}

console.log(mean([1, 2, 3]));
`;

/** Up to the word that is not finished. */
const half = 'sum(numbers);\n  con';

describe('what was inserted', function () {
  this.timeout(4 * patienceMs);
  let api: TokenLensApi;
  let folder: string;
  /** What the scripted provider offers in place of the range; undefined: nothing. */
  let offered: { readonly text: string; readonly range: vscode.Range } | undefined;
  const registered: vscode.Disposable[] = [];
  const settings = () => vscode.workspace.getConfiguration('tokenLens');
  const editorSettings = () => vscode.workspace.getConfiguration('editor');

  before(async () => {
    api = await activated();
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-insertions-'));
    registered.push(
      vscode.languages.registerInlineCompletionItemProvider('*', {
        provideInlineCompletionItems: () => (offered ? [new vscode.InlineCompletionItem(offered.text, offered.range)] : []),
      }),
    );
    await settings().update('inspectInsertions', 'auto', vscode.ConfigurationTarget.Global);
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await api.score((await untitled('The model is loaded.')).uri);
  });
  after(async () => {
    for (const each of registered) each.dispose();
    await settings().update('inspectInsertions', undefined, vscode.ConfigurationTarget.Global);
    await editorSettings().update('formatOnSave', undefined, vscode.ConfigurationTarget.Global);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    offered = undefined;
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  /** Everything that is said of an insertion, in the status bar; '' while there is none, or it is being read. */
  function said(): Promise<string> {
    return browser.evaluate<string>(
      `(() => { const item = document.querySelector('.statusbar-item[id$="tokenLens.insertion"]'); if (!item || item.getBoundingClientRect().width === 0) return ''; const labels = [item, ...item.querySelectorAll('[aria-label]')].map(each => each.getAttribute('aria-label') ?? ''); return labels.find(label => label.includes('not the model that wrote it')) ?? ''; })()`,
    );
  }
  /** The line's end says it too. */
  function saidAtLineEnd(): Promise<string> {
    return browser.evaluate<string>(
      `[...document.querySelectorAll('.view-line span')].map(each => getComputedStyle(each, '::after').content).find(content => content.includes('not the model that wrote it')) ?? ''`,
    );
  }
  /** Text in the active editor that has a colour of ours. */
  async function coloured(): Promise<string> {
    const [shown = []] = await shownEditors();
    return shown
      .filter(({ background, underline }) => background !== '' || underline !== '')
      .map(({ text }) => text)
      .join('');
  }
  async function rest(): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, restMs));
  }
  async function opened(content: string, language = 'javascript'): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(await untitled(content, language), { preview: false });
    await focused();
    return editor;
  }
  async function file(name: string, content: string): Promise<vscode.TextEditor> {
    writeFileSync(path.join(folder, name), content);
    const document = await vscode.workspace.openTextDocument(path.join(folder, name));
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    await focused();
    return editor;
  }
  async function focused(): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await editorHasFocus();
  }
  function putCursor(editor: vscode.TextEditor, ...places: readonly string[]): void {
    const text = editor.document.getText();
    const lineEnd = editor.document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    editor.selections = places.map(each => {
      const place = each.replaceAll('\n', lineEnd);
      assert.ok(text.includes(place), place);
      const position = editor.document.positionAt(text.indexOf(place) + place.length);
      return new vscode.Selection(position, position);
    });
  }
  async function paste(text: string): Promise<void> {
    await vscode.env.clipboard.writeText(text);
    await vscode.commands.executeCommand('editor.action.clipboardPasteAction');
  }
  async function acceptCompletion(editor: vscode.TextEditor, word: string, text: string): Promise<void> {
    putCursor(editor, word);
    const end = editor.selection.active;
    offered = { text, range: new vscode.Range(end.translate(0, -(word.split(/\s/).at(-1) ?? '').length), end) };
    await eventually('ghost text is shown', async () => {
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      return browser.evaluate<boolean>(`document.querySelector('[class*="ghost-text"]') !== null`);
    });
    await browser.press('Tab');
    await eventually('the completion is in the text', () => editor.document.getText().includes(text.split('\n')[0] ?? ''));
    offered = undefined;
  }
  /** What is said holds the numbers that the engine gives for the same text. */
  async function assertSaid(document: vscode.TextDocument, ...pieces: readonly string[]): Promise<DocumentScores['tokens']> {
    await eventually('it is read', async () => (await said()) !== '', patienceMs);
    const scores = await scoresOfText(api, document);
    const text = document.getText();
    let from = 0;
    const spans = pieces.map(piece => {
      const start = text.indexOf(piece, from);
      assert.ok(start >= 0, piece);
      from = start + piece.length;
      return { start, end: from };
    });
    const tokens = scores.tokens.filter(token => spans.some(({ start, end }) => token.start < end && token.end > start));
    const bits = tokens.reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? 0), 0);
    const sentence = await said();
    const [, count, total, mean] = /(\d+) tokens?, ([\d.]+) bits, ([\d.]+) a token/.exec(sentence) ?? [];
    assert.equal(Number(count), tokens.length, sentence);
    assert.ok(Math.abs(Number(total) - bits) <= 0.6, `${sentence}: ${String(bits)}`);
    assert.ok(Math.abs(Number(mean) - bits / tokens.length) <= 0.06, `${sentence}: ${String(bits / tokens.length)}`);
    assert.match(sentence, /as SmolLM2-135M reads it, not the model that wrote it/);
    return tokens;
  }
  /** Neither by itself nor when asked for: `inspectLastInsertion` finds nothing. */
  async function assertNoInsertion(): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, restMs));
    assert.equal(await said(), '');
    const statusBar = () => browser.evaluate<string>(`document.querySelector('.part.statusbar').textContent`);
    const cover = vscode.window.setStatusBarMessage('Now it is asked.'); // over the answer to an earlier question
    try {
      await eventually('an earlier answer is covered', async () => (await statusBar()).includes('Now it is asked.'));
      assert.ok(!(await statusBar()).includes(emptyHanded));
      await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
      await eventually('there is none', async () => (await statusBar()).includes(emptyHanded));
      assert.equal(await said(), '');
    } finally {
      cover.dispose();
    }
  }

  it('is an accepted completion: what is new of it, with the numbers of the engine', async () => {
    const editor = await opened(code);
    await acceptCompletion(editor, half, 'console.log(`utf16 ${total}`);');
    await assertSaid(editor.document, 'sole.log(`utf16 ${total}`);');
    await eventually('its tokens have colours', async () => (await coloured()) !== '');
    await browser.screenshot('insertion-completion');
    const marked = await coloured();
    assert.ok(marked.includes('utf') || marked.includes('16'), marked);
    assert.match(
      await saidAtLineEnd(),
      /^"\d+ tokens, [\d.]+ bits, weakest “.+” [\d.]+ bits; [\d.]+ a token .+, not the model that wrote it"$/,
    );
    // Bits of what follows, without it and with it, are those of the two texts.
    const [, count = '', without = '', withIt = ''] =
      /the next (\d+) tokens: ([\d.]+) bits without it, ([\d.]+) with it/.exec(await said()) ?? [];
    const following = async (text: string, place: string) => {
      const start = text.indexOf(place) + place.length;
      const { tokens } = await api.score((await untitled(text, 'javascript')).uri);
      return tokens.filter(token => token.start >= start).slice(0, Number(count)).reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? 0), 0); // prettier-ignore
    };
    assert.ok(Math.abs((await following(code, half)) - Number(without)) < 0.6, await said());
    assert.ok(Math.abs((await following(editor.document.getText(), '${total}`);')) - Number(withIt)) < 0.6, await said());

    await browser.click('.statusbar-item[id$="tokenLens.insertion"] a');
    await eventually('it goes to a token that stands out', () => !editor.selection.isEmpty);
    await editorHasFocus();
    assert.ok('console.log(`utf16 ${total}`);'.includes(editor.document.getText(editor.selection)));
    assert.ok(!editor.selection.isEmpty);
    assert.notEqual(await said(), '', 'a move inside does not end it');
    const chosen = editor.document.getText(editor.selection);
    await browser.moveMouse(700, 12); // what lies under it has a hover as well
    const hover = () => browser.evaluate<string>(`document.querySelector('.monaco-hover')?.innerText.trim() ?? ''`);
    await eventually('the usual hover has alternatives, of the token that it went to', async () => {
      await vscode.commands.executeCommand('editor.action.showHover');
      const [lead = '', ...rest] = (await hover()).split('\n');
      return lead.includes(chosen) && rest.join('\n').includes('everything else');
    });
    await browser.screenshot('insertion-hover');
    const onward = '.monaco-hover a[data-href^="command:tokenLens.continueFromHere"]';
    assert.ok((await browser.evaluate<number>(`document.querySelectorAll('${onward}').length`)) > 3, 'it can be continued from');
    await browser.press('Escape');
    const start = editor.selection.start;
    editor.selection = new vscode.Selection(start, start);
    await focused();
    await eventually('Escape ends it', async () => {
      await browser.press('Escape');
      return (await said()) === '' && (await coloured()) === '';
    });
    // Who asks for it sees it again.
    await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
    await assertSaid(editor.document, 'sole.log(`utf16 ${total}`);');
  });

  it('is where the text can branch, with the lens off: the arrow of an alternative in its hover opens the comparison', async () => {
    const editor = await opened(code);
    await acceptCompletion(editor, half, 'console.log(`utf16 ${total}`);');
    await assertSaid(editor.document, 'sole.log(`utf16 ${total}`);');
    const text = editor.document.getText();
    await vscode.commands.executeCommand('tokenLens.nextSurprise');
    const start = editor.document.offsetAt(editor.selection.start);
    await followHoverLink('a[data-href^="command:tokenLens.continueFromHere"]', 0);
    const compared = () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs.map(({ input }) => input))
        .find(input => input instanceof vscode.TabInputTextDiff);
    await eventually('the comparison is open', () => compared() !== undefined, patienceMs);
    const address = compared()?.modified.toString();
    const would = () => vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === address)?.getText() ?? '';
    await eventually('the text goes on in another way', () => would() !== '' && would() !== text, patienceMs);
    assert.equal(would().slice(0, start), text.slice(0, start), 'from that token on');
    await eventually('Escape leaves all as it was', async () => {
      await browser.press('Escape');
      return compared() === undefined;
    });
    assert.equal(editor.document.getText(), text);
  });

  it('is what the model itself has suggested, which it says until somebody else has written a part of it', async () => {
    const begun = 'const items = [1, 2, 3];\nfor (let i = 0; i';
    const editor = await opened(begun);
    putCursor(editor, begun);
    await settings().update('suggestLeastProbability', 0.02, vscode.ConfigurationTarget.Global); // a long one
    try {
      await vscode.commands.executeCommand('tokenLens.suggest');
      await eventually('ghost text is shown', () => browser.evaluate<boolean>(`document.querySelector('[class*="ghost-text"]') !== null`));
      await browser.press('Tab');
      await eventually('it is in the text', () => editor.document.getText().length > begun.length + 8);
      await eventually('it says so', async () => (await spokenEntry('tokenLens.insertion')).includes('which also wrote it'));
      assert.ok(!(await spokenEntry('tokenLens.insertion')).includes('not the model that wrote it'));
      await editor.edit(edit => edit.insert(editor.document.positionAt(begun.length + 4), 'ty'));
      await eventually('it is not any more', async () =>
        (await spokenEntry('tokenLens.insertion')).includes('not the model that wrote it'),
      );
    } finally {
      await settings().update('suggestLeastProbability', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('is a paste, in place of a selection too, and goes when the cursor leaves its lines', async () => {
    const editor = await opened(code);
    const at = code.indexOf('con\n');
    editor.selection = new vscode.Selection(editor.document.positionAt(at), editor.document.positionAt(at + 3));
    await paste('const harbour = "quiet";\n  const third = 3;');
    await assertSaid(editor.document, 'st harbour = "quiet";\n  const third = 3;');
    editor.selection = new vscode.Selection(13, 2, 13, 2);
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.notEqual(await said(), '', 'on its first line');
    editor.selection = new vscode.Selection(1, 0, 1, 0);
    await eventually('it goes', async () => (await said()) === '' && (await coloured()) === '');
  });

  it('is read again after a preamble, and goes when something else is shown of the document', async () => {
    const editor = await opened(code);
    putCursor(editor, 'con\n');
    await paste('  const harbour = "quiet";\n');
    await eventually('it is read', async () => (await said()) !== '', patienceMs);
    const alone = await said();
    await vscode.commands.executeCommand('tokenLens.setPreamble', { kind: 'text', text: 'const harbour = "quiet";\n', name: 'notes.md' });
    await eventually('it is read after the preamble', async () => !['', alone].includes(await said()), patienceMs);
    await vscode.commands.executeCommand('tokenLens.removePreamble');
    await eventually('it is read alone again', async () => (await said()) === alone, patienceMs);
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: 0, end: code.indexOf('\n') + 1 });
    await eventually('it goes', async () => (await said()) === '');
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
  });

  it('is what is new of it, too, right after another document was shown', async () => {
    const { document } = await opened(code);
    await opened('Something else.\n');
    const editor = await vscode.window.showTextDocument(document);
    await focused();
    const replaced = 'return total / numbers.length;';
    const at = document.positionAt(code.indexOf(replaced));
    editor.selection = new vscode.Selection(at, at.translate(0, replaced.length));
    await paste('return total / quayside;');
    await assertSaid(document, 'quayside');
  });

  it('is a snippet; an edit inside takes the colours away until they are those of the new text', async () => {
    const editor = await opened(code);
    const at = editor.document.positionAt(code.indexOf('con\n'));
    editor.selection = new vscode.Selection(at, at.translate(0, 3));
    await vscode.commands.executeCommand('editor.action.insertSnippet', {
      snippet: 'for (const ${1:harbour} of ${2:numbers}) {\n\tconsole.warn($1, "utf16");\n}',
    });
    await assertSaid(editor.document, 'for (const harbour of numbers) {\n  \tconsole.warn(harbour, "utf16");\n  }'.replace('  \t', '    '));
    // While keys keep coming it is not read again, and its colours are gone all the same.
    for (const key of 'quayside') {
      await browser.type(key);
      await new Promise(resolve => setTimeout(resolve, 150));
    }
    assert.equal(await coloured(), '', 'nothing stale');
    await assertSaid(editor.document, 'for (const quayside of numbers) {\n    console.warn(quayside, "utf16");\n  }');
    await browser.press('Escape');
  });

  it('is what several cursors put in', async () => {
    const editor = await opened('alpha = 1\nbeta = 2\ngamma = 3\n');
    putCursor(editor, 'alpha = 1', 'beta = 2', 'gamma = 3');
    await paste(' # metres');
    assert.equal(editor.document.getText(), 'alpha = 1 # metres\nbeta = 2 # metres\ngamma = 3 # metres\n');
    await assertSaid(editor.document, ' # metres', ' # metres', ' # metres');
  });

  it('is what is really new where an extension replaces the whole document', async () => {
    const editor = await opened(code);
    putCursor(editor, 'let total');
    const would = code
      .replace('total += number;', 'total += Math.abs(harbour);')
      .replace('numbers.length;\n}', 'numbers.length;\n}\n\nconst quay = "utf16";');
    // What an extension asks of the workspace VS Code makes smaller itself, of an editor it does not.
    await editor.edit(edit => edit.replace(new vscode.Range(0, 0, editor.document.lineCount, 0), would));
    assert.equal(editor.document.getText(), would);
    await assertSaid(editor.document, 'Math.abs(harbour)', '\nconst quay = "utf16";\n');
    await browser.screenshot('insertion-whole-document');
  });

  it('is the side of a conflict that is accepted', async () => {
    const conflict = code.replace('  con\n', '<<<<<<< HEAD\n  own();\n=======\n  harbour.log(`utf16 ${total}`);\n>>>>>>> other\n');
    const editor = await file('conflict.js', conflict);
    putCursor(editor, '  own();');
    await eventually('the conflict is known', async () => {
      await vscode.commands.executeCommand('merge-conflict.accept.incoming');
      return editor.document.getText() === code.replace('  con\n', '  harbour.log(`utf16 ${total}`);\n');
    });
    await assertSaid(editor.document, '  harbour.log(`utf16 ${total}`);');
    await vscode.commands.executeCommand('undo');
    await eventually('it is undone', () => editor.document.getText() === conflict);
    putCursor(editor, '  own();');
    await vscode.commands.executeCommand('merge-conflict.accept.current');
    await eventually('the own side is kept', () => editor.document.getText() === code.replace('  con\n', '  own();\n'));
    await assertNoInsertion();
  });

  it('is what the merge editor takes over', async () => {
    const sides = {
      base: code,
      own: code.replace('  con\n', '  own();\n'),
      incoming: code.replace('  con\n', '  harbour.log(`utf16 ${total}`);\n'),
      result: code.replace('  con\n', '<<<<<<< HEAD\n  own();\n=======\n  harbour.log(`utf16 ${total}`);\n>>>>>>> other\n'),
    };
    for (const [name, content] of Object.entries(sides)) writeFileSync(path.join(folder, `merge-${name}.js`), content);
    const [base, own, incoming, result] = ['base', 'own', 'incoming', 'result'].map(name =>
      vscode.Uri.file(path.join(folder, `merge-${name}.js`)),
    );
    assert.ok(base && own && incoming && result);
    await vscode.commands.executeCommand('_open.mergeEditor', {
      base,
      input1: { uri: own, title: 'own' },
      input2: { uri: incoming, title: 'incoming' },
      output: result,
    });
    const document = () => vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === result.toString());
    await eventually('the merge editor is open', () => vscode.window.visibleTextEditors.some(each => each.document === document()));
    await rest();
    assert.equal(await said(), '', 'nothing is inserted by opening it');
    await browser.screenshot('insertion-merge-editor');
    await vscode.commands.executeCommand('merge.goToNextUnhandledConflict');
    await vscode.commands.executeCommand('merge.toggleActiveConflictInput2');
    await eventually('it is taken over', () => document()?.getText() === sides.incoming).catch((error: unknown) => {
      throw new Error(JSON.stringify(document()?.getText()), { cause: error });
    });
    const merged = document();
    assert.ok(merged);
    await browser.evaluate(
      `[...document.querySelectorAll('.merge-editor .monaco-editor')].at(-1)?.querySelector('textarea, .native-edit-context')?.focus()`,
    );
    await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
    await assertSaid(merged, 'harbour.log(`utf16 ${total}`);');
    await browser.screenshot('insertion-merged');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('has its first token as the first, not as the first again, after a paste', async () => {
    const editor = await opened(code);
    await settings().update('announce', 'on', vscode.ConfigurationTarget.Global);
    try {
      putCursor(editor, half);
      await paste('sole.log(`utf16 ${total}`, "harbour");');
      await assertSaid(editor.document, 'sole.log(`utf16 ${total}`, "harbour");');
      const status = () => browser.evaluate<string>(`document.querySelector('.part.statusbar').innerText`);
      await vscode.commands.executeCommand('tokenLens.nextSurprise');
      const first = editor.selection;
      assert.ok(!first.isEmpty);
      await eventually('it is said', async () => (await status()).includes(editor.document.getText(first)));
      assert.ok(!(await status()).includes('First again'), await status());
      for (let step = 0; step < 20; step++) {
        await vscode.commands.executeCommand('tokenLens.nextSurprise');
        if (editor.selection.isEqual(first)) break;
      }
      await eventually('round once, it is there again', async () => (await status()).includes('First again'));
    } finally {
      await settings().update('announce', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('counts CRLF as the document does', async () => {
    const editor = await file('crlf.js', code.replaceAll('\n', '\r\n'));
    await acceptCompletion(editor, half, 'console.warn(total);\n  const harbour = 3;');
    assert.ok(editor.document.getText().includes('warn(total);\r\n  const'));
    await assertSaid(editor.document, 'sole.warn(total);\r\n  const harbour = 3;');
  });

  it('is what is put in while VS Code saves by itself, though the saved file had the same', async () => {
    const line = '  const total = sum(numbers);\n';
    const editor = await file('autosaved.js', code);
    const { document } = editor;
    const files = vscode.workspace.getConfiguration('files');
    let pasted: Promise<void> | undefined;
    const saving = vscode.workspace.onWillSaveTextDocument(event => {
      if (event.document === document && event.reason === vscode.TextDocumentSaveReason.AfterDelay)
        event.waitUntil((pasted ??= paste(line)).then(() => []));
    });
    try {
      await files.update('autoSaveDelay', 200, vscode.ConfigurationTarget.Global);
      await files.update('autoSave', 'afterDelay', vscode.ConfigurationTarget.Global);
      putCursor(editor, 'return 0;\n');
      const start = editor.selection.active;
      await editor.edit(edit => {
        edit.delete(new vscode.Range(start, start.translate(1)));
      });
      await eventually('it is back', () => pasted !== undefined && document.getText() === code);
      await assertSaid(document, line);
    } finally {
      saving.dispose();
      await files.update('autoSave', undefined, vscode.ConfigurationTarget.Global);
      await files.update('autoSaveDelay', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('goes with an undo, and what comes back by redo is none', async () => {
    const editor = await opened(code);
    putCursor(editor, half);
    await paste('sole.log("harbour", total);');
    await assertSaid(editor.document, 'sole.log("harbour", total);');
    await vscode.commands.executeCommand('undo');
    await eventually('it is gone', async () => (await said()) === '' && (await coloured()) === '');
    assert.equal(editor.document.getText(), code);
    await vscode.commands.executeCommand('redo');
    await assertNoInsertion();
  });

  it('gives way to typing at every stage, and shows nothing stale', async () => {
    const editor = await opened(code);
    for (const pauseMs of [0, 200, 400, 900]) {
      putCursor(editor, half);
      await paste('sole.log("harbour", total);');
      await new Promise(resolve => setTimeout(resolve, pauseMs));
      await browser.type(' x');
      await rest();
      assert.equal(await said(), '', `after ${String(pauseMs)} ms`);
      assert.equal(await coloured(), '', `after ${String(pauseMs)} ms`);
      await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
      await assertSaid(editor.document, 'sole.log("harbour", total);');
      await editor.edit(edit => edit.replace(new vscode.Range(0, 0, editor.document.lineCount, 0), code));
      await eventually('it is gone', async () => (await said()) === '');
    }
  });

  it('marks nothing where nothing stands out, and says so', async () => {
    const line = '  console.log(total);\n';
    const editor = await opened(`function sum() {\n${line.repeat(30)}`);
    putCursor(editor, line.repeat(20));
    await paste(line.repeat(2));
    await eventually('it is read', async () => (await said()) !== '');
    assert.match(await said(), /nothing in it stands out from the text near it|nothing in it is surprising/);
    assert.equal(await coloured(), '');
    await browser.screenshot('insertion-nothing');

    // In a text that is surprising throughout, what would have a colour elsewhere does not stand out.
    const noise =
      'quorum velvet anthracite seldom gimbal orthogonal prune lacquer vestibule hurdle ninety cobalt fjord mitigate walrus tangent\n';
    const other = await opened(noise.repeat(1) + [...noise.split(' ')].reverse().join(' ') + '\n\nIn the morning\n', 'plaintext');
    putCursor(other, 'In the morning');
    await paste(' the people of the town went to the market');
    await eventually('it is read', async () => (await said()).includes('nothing in it stands out from the text near it'));
    const { tokens } = await scoresOfText(api, other.document);
    const start = other.document.getText().indexOf(' the people');
    assert.ok(
      tokens.some(token => token.start >= start && (token.surprisalBits ?? 0) > 3),
      'some of it would have a colour',
    );
    assert.equal(await coloured(), '');
  });

  it('is read to some length only where it is long, and says so', async () => {
    const editor = await opened(code);
    putCursor(editor, half);
    await paste(Array.from({ length: 5_000 }, (_, index) => `  harbour.push(${String(index)});`).join('\n'));
    await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
    await eventually('it is read', async () => (await said()).includes('only the first 4,000 characters were read'), patienceMs);
    assert.ok(!(await said()).includes('without it'));
  });

  it('hides the other colours of a document whose lens is on, and gives them back', async () => {
    const editor = await opened('The manxhattan harbour utf16 zebra was quiet.\nNobody came.\n', 'plaintext');
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(editor.document.uri);
    await eventually('the lens colours the text', async () => (await coloured()).includes('utf'));
    putCursor(editor, 'Nobody came.');
    await paste(' Then purple sixteen velocity arrived.');
    await assertSaid(editor.document, ' Then purple sixteen velocity arrived.');
    await eventually('only the insertion has colours', async () => {
      const marked = await coloured();
      return marked.includes('velocity') && !marked.includes('utf');
    });
    await browser.screenshot('insertion-lens-on');
    // Nor do the others come back for a moment while it is read again.
    putCursor(editor, 'Then purple');
    await focused();
    for (const key of 'quay') {
      await browser.type(key);
      for (let look = 0; look < 4; look++) {
        await new Promise(resolve => setTimeout(resolve, 100));
        assert.ok(!(await coloured()).includes('utf'), `after "${key}"`);
      }
    }
    await assertSaid(editor.document, ' Then purplequay sixteen velocity arrived.');
    assert.ok(!(await coloured()).includes('utf'));
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await eventually('the lens shows again', async () => (await coloured()).includes('utf'));
  });

  it('is drawn in every kind of theme', async () => {
    const editor = await opened(code);
    await acceptCompletion(editor, half, 'console.log(`utf16 ${total}`);');
    await assertSaid(editor.document, 'sole.log(`utf16 ${total}`);');
    try {
      for (const [kind, name] of themes) {
        await setTheme(name);
        await eventually(`it has colours in ${kind}`, async () => (await coloured()) !== '');
        await browser.screenshot(`insertion-${kind}`);
      }
    } finally {
      await setTheme(undefined);
    }
  });

  describe('is not', () => {
    it('auto-closed brackets, or the indentation of a new line', async () => {
      const editor = await opened(code);
      putCursor(editor, half);
      await rest(); // keys go to where the page has the cursor
      await browser.type('sole.log({');
      await eventually('a bracket is closed', () => editor.document.getText().includes('({})'));
      await browser.press('Enter');
      await browser.type('["a');
      await eventually('it is typed', () => editor.document.getText().includes('["a'));
      await assertNoInsertion();
    });

    it('what formatting on save does', async () => {
      registered.push(
        vscode.languages.registerDocumentFormattingEditProvider('plaintext', {
          provideDocumentFormattingEdits: document => [
            vscode.TextEdit.insert(new vscode.Position(0, 0), '/* formatted */\n'),
            vscode.TextEdit.insert(document.positionAt(document.getText().length), '/* and so on */\n'),
          ],
        }),
      );
      await editorSettings().update('formatOnSave', true, vscode.ConfigurationTarget.Global);
      const editor = await file('formatted.txt', code);
      putCursor(editor, half);
      await browser.type('s');
      await vscode.commands.executeCommand('workbench.action.files.save');
      await eventually('it is formatted and saved', () => editor.document.getText().startsWith('/* formatted') && !editor.document.isDirty);
      await editorSettings().update('formatOnSave', undefined, vscode.ConfigurationTarget.Global);
      await assertNoInsertion();
    });

    it('a rename, in one file or in several', async () => {
      writeFileSync(path.join(folder, 'other.txt'), 'import { sum } from "./renamed.js";\n');
      const other = vscode.Uri.file(path.join(folder, 'other.txt'));
      let isAlone = true;
      registered.push(
        vscode.languages.registerRenameProvider('plaintext', {
          provideRenameEdits: (document, _, name) => {
            const edit = new vscode.WorkspaceEdit();
            const word = isAlone ? /\btotal\b/g : /\bmean\b(?=\(numbers)/g;
            for (const { index, 0: found } of document.getText().matchAll(word))
              edit.replace(document.uri, new vscode.Range(document.positionAt(index), document.positionAt(index + found.length)), name);
            if (!isAlone) edit.replace(other, new vscode.Range(0, 9, 0, 12), name);
            return edit;
          },
        }),
      );
      const editor = await file('renamed.txt', code);
      for (const [place, name] of [
        ['return total', 'runningTotalOfAll'],
        ['function mean', 'arithmeticMeanOfAll'],
      ] as const) {
        putCursor(editor, place);
        await focused();
        void vscode.commands.executeCommand('editor.action.rename'); // ends with the box
        await eventually('the box is open', () =>
          browser.evaluate<boolean>(`document.activeElement?.closest('.rename-box') !== null && document.activeElement !== document.body`),
        );
        await browser.press('Control+A');
        await browser.type(name);
        await browser.press('Enter');
        await eventually('it is renamed', () => editor.document.getText().includes(name));
        await assertNoInsertion();
        isAlone = false;
      }
      await vscode.workspace.saveAll();
    });

    it('a rename of a single place, by keys or by an extension', async () => {
      registered.push(
        vscode.languages.registerRenameProvider('markdown', {
          provideRenameEdits: (document, position, name) => {
            const edit = new vscode.WorkspaceEdit();
            const word = document.getWordRangeAtPosition(position);
            if (word) edit.replace(document.uri, word, name);
            return edit;
          },
        }),
      );
      for (const [place, name] of [
        ['function mean', 'arithmeticMeanOfAll'],
        ['function mean', 'meanOfAllTheNumbers'], // like a completion of it
        ['let total', 'runningSum'],
      ] as const) {
        const editor = await opened(code, 'markdown');
        // With the word selected, too.
        putCursor(editor, place);
        await focused();
        await vscode.commands.executeCommand('cursorWordStartLeftSelect');
        assert.ok(!editor.selection.isEmpty);
        void vscode.commands.executeCommand('editor.action.rename'); // ends with the box
        await eventually('the box is open', () =>
          browser.evaluate<boolean>(`document.activeElement?.closest('.rename-box') !== null && document.activeElement !== document.body`),
        );
        await browser.press('Control+A');
        await browser.type(name);
        await browser.press('Enter');
        await eventually('it is renamed', () => editor.document.getText().includes(name));
        await assertNoInsertion();
        const at = editor.document.positionAt(editor.document.getText().indexOf(name) + 2);
        const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit>(
          'vscode.executeDocumentRenameProvider',
          editor.document.uri,
          at,
          'anotherNameForIt',
        );
        await vscode.workspace.applyEdit(edit);
        await eventually('it is renamed once more', () => editor.document.getText().includes('anotherNameForIt'));
        await assertNoInsertion();
      }
      // A name that is pasted over another is an insertion all the same, and so is one that completes what was typed.
      const editor = await opened(code);
      putCursor(editor, 'let total');
      await vscode.commands.executeCommand('cursorWordStartLeftSelect');
      await paste('runningHarbour');
      await assertSaid(editor.document, 'runningHarbour');
    });

    it('a document that is laid out anew, or renamed in, as a whole', async () => {
      const editor = await opened(code);
      for (const would of [code.replaceAll('\n  ', '\n        '), code.replaceAll(/\bnumbers\b/g, 'measurements')]) {
        await editor.edit(edit => edit.replace(new vscode.Range(0, 0, editor.document.lineCount, 0), would));
        assert.equal(editor.document.getText(), would);
        await assertNoInsertion();
      }
    });

    it('what another branch has in the file', async () => {
      const git = (...words: readonly string[]) => execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' });
      const identity = ['-c', 'user.email=someone@example.com', '-c', 'user.name=Someone'];
      git('init', '--quiet', '--initial-branch=before');
      writeFileSync(path.join(folder, 'switched.js'), code);
      git('add', 'switched.js');
      git(...identity, 'commit', '--quiet', '-m', 'before');
      git('checkout', '--quiet', '-b', 'after');
      const other = `// From another branch, with a harbour.\n${code}`;
      writeFileSync(path.join(folder, 'switched.js'), other);
      git(...identity, 'commit', '--quiet', '-a', '-m', 'after');
      const editor = await file('switched.js', other);
      // VS Code begins to watch a file some time after it was opened, and tells nobody when.
      await eventually(
        'the editor has the other branch',
        async () => {
          git('checkout', '--quiet', 'after');
          git('checkout', '--quiet', 'before');
          return comesTrue(() => editor.document.getText() === code, 1_000);
        },
        60_000,
      );
      await assertNoInsertion();
      git('checkout', '--quiet', 'after');
      await eventually('the editor has the first branch again', () => editor.document.getText() === other, 20_000);
      await assertNoInsertion();
      rmSync(path.join(folder, '.git'), { recursive: true, force: true });
    });

    it('a file that is read again from the disk, or reverted', async () => {
      const editor = await file('reloaded.js', code);
      // VS Code begins to watch a file some time after it was opened, and tells nobody when: another program may write more than once.
      await eventually('the editor took the file', async () => {
        writeFileSync(path.join(folder, 'reloaded.js'), `// From another branch, with a harbour.\n${code}`);
        return comesTrue(() => editor.document.getText().startsWith('// From another'), 1_000);
      });
      await assertNoInsertion();
      await editor.edit(edit => edit.delete(new vscode.Range(0, 0, 1, 0)));
      await vscode.commands.executeCommand('workbench.action.files.revert');
      await eventually('it is reverted', () => editor.document.getText().startsWith('// From another'));
      await assertNoInsertion();
    });
  });

  describe('the clipboard', () => {
    function panelText(): Promise<string> {
      return browser.evaluateInWebview<string>(`document.querySelector('main')?.innerText ?? ''`);
    }

    it('is listed in the panel before it is inserted, and the list goes with the cursor', async () => {
      const editor = await opened(code);
      putCursor(editor, half);
      const text = 'sole.log(`utf16 ${total}`);';
      await vscode.env.clipboard.writeText(text);
      const { version } = editor.document;
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
      await browser.screenshot('clipboard');
      assert.equal(editor.document.version, version, 'nothing is inserted');
      const rows = await browser.evaluateInWebview<readonly (readonly [string, number])[]>(
        `[...document.querySelectorAll('tr[data-row]')].map(row => [row.cells[1].textContent, Number(row.cells[2].textContent)])`,
      );
      const would = code.replace('  con\n', `  con${text}\n`);
      const scores = await api.score((await untitled(would, 'javascript')).uri);
      const [start, end] = [would.indexOf(text), would.indexOf(text) + text.length];
      const tokens = scores.tokens.filter(token => token.start < end && token.end > start);
      assert.deepEqual(
        rows.map(([token]) => token.replaceAll('·', ' ').replaceAll('↵', '\n')),
        tokens.map(token => would.slice(token.start, token.end)),
      );
      for (const [row, [, bits]] of rows.entries()) assert.ok(Math.abs(bits - (tokens[row]?.surprisalBits ?? NaN)) < 0.06, String(row));

      putCursor(editor, 'let total');
      await eventually('the distribution is back', async () => (await panelText()).toUpperCase().includes('WHAT IT EXPECTS NEXT'));
    });

    it('is listed whole where it begins like what is selected, or is the same', async () => {
      const editor = await opened(code);
      const text = 'return total / numbers.length;';
      const start = editor.document.positionAt(code.indexOf(text));
      for (const instead of ['return total / numbers.size;', text]) {
        editor.selection = new vscode.Selection(start, start.translate(0, text.length));
        await vscode.env.clipboard.writeText(instead);
        await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
        await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
        const listed = await browser.evaluateInWebview<string>(
          `[...document.querySelectorAll('tr[data-row]')].map(row => row.cells[1].textContent).join('')`,
        );
        assert.equal(listed.replaceAll('·', ' ').trim(), instead);
        await vscode.commands.executeCommand('tokenLens.leaveInspection');
        await eventually('the list is gone', async () => !(await panelText()).includes('not the model that wrote it'));
      }
    });

    it('is inserted by the button, as one undo, in place of what is selected', async () => {
      const editor = await file('clipboard.js', code.replaceAll('\n', '\r\n'));
      const original = editor.document.getText();
      const at = editor.document.positionAt(original.indexOf('con\r\n'));
      editor.selection = new vscode.Selection(at, at.translate(0, 3));
      await vscode.env.clipboard.writeText('const harbour = 1;\n  const quay = 2;');
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
      await browser.evaluateInWebview(`document.querySelector('button.main').click()`);
      await eventually('it is inserted', () => editor.document.getText().includes('const harbour = 1;\r\n  const quay = 2;\r\n'));
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), original);
    });

    it('gives the focus back when it is closed in the panel, from where it can be asked for too', async () => {
      const focusIn = async (tag: string, text: string) => {
        const isBeside = vscode.window.tabGroups.all.length > 1;
        await vscode.commands.executeCommand(isBeside ? 'workbench.action.focusSecondEditorGroup' : 'tokenLens.panelView.focus');
        await eventually('the panel has the focus', () => vscode.window.activeTextEditor === undefined);
        await browser.evaluateInWebview(
          `[...document.querySelectorAll('${tag}')].find(each => each.textContent.includes('${text}')).focus()`,
        );
      };
      const editor = await opened(code);
      putCursor(editor, half);
      await vscode.env.clipboard.writeText('sole.log();');
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      for (const key of ['Escape', 'Enter']) {
        await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
        await focusIn('button', 'Close');
        await browser.press(key);
        await eventually('the editor has the focus', () => vscode.window.activeTextEditor?.document === editor.document);
        await eventually('the distribution is back', async () => (await panelText()).toUpperCase().includes('WHAT IT EXPECTS NEXT'));
        await focusIn('summary', 'Sampler');
        await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      }
      await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
      assert.equal(editor.document.getText(), code);
    });

    it('is not listed, nor read on, where keys come while it is read; an edit takes the list away, and its button with it', async () => {
      const tokensRun = async () => (await api.measure()).model?.tokensRun ?? 0;
      const isBack = async () => (await panelText()).toUpperCase().includes('WHAT IT EXPECTS NEXT');
      const editor = await opened(code);
      putCursor(editor, half);
      await vscode.env.clipboard.writeText('sole.log(`the harbour of ${total} quays`);\n  con'.repeat(80));
      const before = await tokensRun();
      const done = vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it is being read', async () => (await panelText()).includes('Reading the text'));
      await eventually('the model is at it', async () => (await tokensRun()) > before, patienceMs);
      await browser.type('s');
      await eventually('it is given up', isBack);
      await done;
      assert.equal(editor.document.getText(), code.replace('  con\n', '  cons\n'));
      await rest();
      assert.ok(!(await panelText()).includes('not the model that wrote it'), 'nor listed later');

      await vscode.env.clipboard.writeText('ole.log();');
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
      await focused();
      await browser.press('Delete'); // the cursor stays where it is
      await eventually('the list is gone', isBack);
      assert.equal(await browser.evaluateInWebview<number>(`document.querySelectorAll('tr[data-row]').length`), 0);
      assert.ok(!editor.document.getText().includes('ole.log();'), 'nothing is inserted');
    });

    it('goes by Escape in the editor; an empty one is said to be', async () => {
      const editor = await opened(code);
      putCursor(editor, half);
      await vscode.env.clipboard.writeText('sole.log();');
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it is listed', async () => (await panelText()).includes('not the model that wrote it'), patienceMs);
      await focused();
      await eventually('the distribution is back', async () => {
        await browser.press('Escape');
        return (await panelText()).toUpperCase().includes('WHAT IT EXPECTS NEXT');
      });
      await vscode.env.clipboard.writeText('');
      await vscode.commands.executeCommand('tokenLens.inspectClipboardHere');
      await eventually('it says so', () =>
        browser.evaluate<boolean>(`document.querySelector('.part.statusbar').innerText.includes('There is no text on the clipboard')`),
      );
    });
  });
});
