import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { Config } from '../../src/config';
import type { RegionKind, Regions } from '../../src/core/regions';
import { regionKinds } from '../../src/core/regions';
import { DisposableStore } from '../../src/disposable';
import { Grammars } from '../../src/grammars';
import { LeftOut } from '../../src/leftOut';
import { Pauses } from '../../src/pauses';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled as anyUntitled } from './documents';
import { Memento } from './ownLens';
import { assertDrawn, setTheme } from './screen';

type Piece = readonly [text: string, kind: RegionKind];

/** What lies in each region, as text; the kinds that are asked for only. */
function pieces(document: vscode.TextDocument, regions: Regions, ...kinds: readonly RegionKind[]): readonly Piece[] {
  const text = document.getText();
  return Array.from({ length: regions.length }, (_, index): Piece => [
    text.slice(regions.starts[index], regions.ends[index]),
    regionKinds[regions.kinds[index] ?? 0] ?? 'links',
  ]).filter(([, kind]) => kinds.length === 0 || kinds.includes(kind));
}

/** VS Code gives names again: for a moment it may answer with the document that had the name before. */
async function untitled(content: string, language?: string): Promise<vscode.TextDocument> {
  for (;;) {
    const document = await anyUntitled(content, language);
    if (document.getText() === content) return document;
  }
}

async function edit(document: vscode.TextDocument, offset: number, length: number, text: string): Promise<void> {
  const change = new vscode.WorkspaceEdit();
  change.replace(document.uri, new vscode.Range(document.positionAt(offset), document.positionAt(offset + length)), text);
  assert.ok(await vscode.workspace.applyEdit(change));
}

async function setSetting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('tokenLens').update(name, value, vscode.ConfigurationTarget.Global);
}

describe('what is left out', function () {
  this.timeout(120_000);
  let store: DisposableStore;
  let log: vscode.LogOutputChannel;
  let folder: string;
  const memento = new Memento();
  const pauses = new Pauses();

  before(async () => {
    log = vscode.window.createOutputChannel('Token Lens (test)', { log: true });
    await activated();
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-left-out-'));
  });
  beforeEach(() => {
    store = new DisposableStore();
  });
  afterEach(async () => {
    store.dispose();
    for (const name of ['leaveOut', 'skipFolders']) await setSetting(name, undefined);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    for (const { document } of [...vscode.window.visibleTextEditors]) {
      if (!document.isUntitled) continue;
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  after(() => {
    log.dispose();
    rmSync(folder, { recursive: true });
  });

  type Contributor = ConstructorParameters<typeof Grammars>[0];
  function ownLeftOut(installed: Contributor = () => vscode.extensions.all, isOn = false): LeftOut {
    const config = store.add(new Config());
    const onDidChange = store.add(new vscode.EventEmitter<vscode.TextDocument>()).event;
    const scored = { isOn: () => isOn, onDidChange };
    const files = { thread: inExtension('dist/regionsThread.js'), wasm: inExtension('dist/onig.wasm') };
    return store.add(new LeftOut({ scored, config, grammars: new Grammars(installed), pauses, log }, files, memento));
  }

  /** That keeps up with every document in the editor, since something is left out in it. */
  async function following(document: vscode.TextDocument): Promise<LeftOut> {
    await setSetting('leaveOut', ['comments', 'indentation']);
    await vscode.window.showTextDocument(document);
    return ownLeftOut(undefined, true);
  }

  async function piecesOf(language: string, content: string, ...kinds: readonly RegionKind[]): Promise<readonly Piece[]> {
    const document = await untitled(content, language);
    return pieces(document, await ownLeftOut().ensure(document), ...kinds);
  }

  describe('by the grammars of the installed languages', () => {
    it('knows comments and strings of TypeScript', async () => {
      const text = '/** Doc */\nimport x from "y";\n  const a = `t${b /* in */}u`; // see https://example.org\nconst r = /a"b/;\n';
      assert.deepEqual(await piecesOf('typescript', text), [
        ['/** Doc */', 'comments'],
        ['"y"', 'strings'],
        ['  ', 'indentation'],
        ['`t', 'strings'],
        ['/* in */', 'comments'],
        ['u`', 'strings'],
        ['// see https://example.org', 'comments'],
      ]);
    });

    it('takes docstrings of Python for comments', async () => {
      const text = 'def f(a):\n    """Doc\n\n    more"""\n    return f"x{a}y"  # why\n';
      assert.deepEqual(await piecesOf('python', text), [
        ['    ', 'indentation'],
        ['"""Doc\n\n    more"""', 'comments'],
        ['    ', 'indentation'],
        ['f"x', 'strings'],
        ['y"', 'strings'],
        ['# why', 'comments'],
      ]);
    });

    it('knows front matter, code and addresses of Markdown, each by the outermost', async () => {
      const text = [
        '---',
        'title: "x" # why',
        'address: http://front.matter',
        '---',
        '# See [this](http://a.b "title") and http://c.d.',
        '',
        '```ts',
        '  // comment',
        '',
        'const a = "s";',
        '```',
        '',
        '<!-- hidden -->',
        '',
        '    indented',
        '',
        '1. item ![](p.png) `code`',
        '',
      ].join('\n');
      assert.deepEqual(await piecesOf('markdown', text, 'frontMatter', 'fencedCode', 'links', 'comments', 'strings'), [
        ['---\ntitle: "x" # why\naddress: http://front.matter\n---', 'frontMatter'],
        ['http://a.b', 'links'],
        ['http://c.d', 'links'],
        ['```ts\n  // comment\n\nconst a = "s";\n```', 'fencedCode'],
        ['<!-- hidden -->', 'comments'],
        ['    indented', 'fencedCode'],
        ['p.png', 'links'],
      ]);
    });

    it('knows comments of JSON, and its strings without the names of properties', async () => {
      assert.deepEqual(await piecesOf('jsonc', '// why\n{ "a": "b", /* c */ "d": ["e"] }'), [
        ['// why', 'comments'],
        ['"b"', 'strings'],
        ['/* c */', 'comments'],
        ['"e"', 'strings'],
      ]);
    });

    it('knows only indentation where the language has no grammar', async () => {
      const leftOut = ownLeftOut();
      const document = await untitled('  "a" // b\nhttps://example.org\n\tc', 'plaintext');
      assert.deepEqual(leftOut.available(document), ['indentation']);
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
        ['  ', 'indentation'],
        ['\t', 'indentation'],
      ]);
    });

    it('has offsets of the document where lines end in two characters', async () => {
      const document = await untitled('/* a\r\n\r\nb */ "c"\r\n  d', 'typescript');
      assert.equal(document.eol, vscode.EndOfLine.CRLF);
      const leftOut = ownLeftOut();
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
        ['/* a\r\n\r\nb */', 'comments'],
        ['"c"', 'strings'],
        ['  ', 'indentation'],
      ]);
      const editor = await vscode.window.showTextDocument(document);
      const known: (Regions | undefined)[] = [];
      const listener = vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document === document && event.document.eol === vscode.EndOfLine.LF) known.push(leftOut.regions(document));
      });
      await editor.edit(builder => builder.setEndOfLine(vscode.EndOfLine.LF));
      listener.dispose();
      assert.equal(known[0], undefined); // every line has moved
      assert.ok(known.length > 0);
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
        ['/* a\n\nb */', 'comments'],
        ['"c"', 'strings'],
        ['  ', 'indentation'],
      ]);
    });
  });

  describe('follows edits', () => {
    it('a comment that is opened at the top takes everything below, and gives it back', async () => {
      const text = `"top"\n${'const a = "b"; // c\n'.repeat(500)}x /* d */\nlast("e");\n`;
      const document = await untitled(text, 'typescript');
      const leftOut = await following(document);
      const before = pieces(document, await leftOut.ensure(document));
      assert.equal(before.length, 1 + 2 * 500 + 2);
      await edit(document, 6, 0, '/* ');
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
        ['"top"', 'strings'],
        [document.getText().slice(6, document.getText().indexOf('*/') + 2), 'comments'],
        ['"e"', 'strings'],
      ]);
      await edit(document, 6, 3, '');
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), before);
    });

    it('moves what it knows at once, so that nothing is at a wrong place meanwhile', async () => {
      const document = await untitled('a = 1\nb = "two" // three\n', 'typescript');
      const leftOut = await following(document);
      await leftOut.ensure(document);
      const seen: (readonly Piece[] | undefined)[] = [];
      const listener = vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document !== document || event.contentChanges.length === 0) return;
        const regions = leftOut.regions(document);
        seen.push(regions && pieces(document, regions));
      });
      await edit(document, 0, 0, 'first\n\n');
      await edit(document, document.getText().indexOf('two'), 3, 'three and four');
      listener.dispose();
      assert.deepEqual(seen, [
        [['"two"', 'strings'], ['// three', 'comments']], // prettier-ignore
        [['"three and four"', 'strings'], ['// three', 'comments']], // prettier-ignore
      ]);
    });

    it('only while somebody waits, where nothing is left out', async () => {
      const document = await untitled('a // b', 'typescript');
      const leftOut = ownLeftOut();
      const told: vscode.TextDocument[] = [];
      store.add(leftOut.onDidChangeShown(shown => told.push(shown)));
      assert.deepEqual(pieces(document, await leftOut.ensure(document)), [['// b', 'comments']]);
      assert.ok(leftOut.regions(document));
      await edit(document, 0, 0, '"c" ');
      assert.equal(leftOut.regions(document), undefined);
      assert.deepEqual(pieces(document, await leftOut.ensure(document), 'strings'), [['"c"', 'strings']]);
      assert.deepEqual(told, [], 'what is shown is the same');
    });

    it('ends where a new document with the text begins, after edits in quick succession', async () => {
      const document = await untitled('a();\n'.repeat(200), 'typescript');
      const leftOut = await following(document);
      void leftOut.ensure(document);
      for (const [line, text] of [
        [150, '/* '],
        [20, '`\n'],
        [170, ' */ "x" '],
        [10, '// y\n  '],
        [60, '${"z"} `'],
      ] as const)
        // prettier-ignore
        await edit(document, document.offsetAt(new vscode.Position(line, 0)), line % 4, text);
      const got = pieces(document, await leftOut.ensure(document));
      assert.deepEqual(got, await piecesOf('typescript', document.getText()));
      assert.ok(got.length > 4);
    });
  });

  describe('with grammars that cannot be used', () => {
    /** A grammar for plain text beside those of the installed extensions. */
    function withGrammar(name: string, content: string | undefined): Contributor {
      if (content !== undefined) writeFileSync(path.join(folder, name), content);
      const contributes = { grammars: [{ language: 'plaintext', scopeName: 'source.test', path: `./${name}` }, null, { language: 3 }] };
      return () => [...vscode.extensions.all, { packageJSON: { contributes }, extensionUri: vscode.Uri.file(folder) }];
    }
    const pattern = (match: string) => JSON.stringify({ scopeName: 'source.test', patterns: [{ name: 'comment.test', match }] });

    it('reads one that can be, in either format', async () => {
      const plist = `<?xml version="1.0"?><plist version="1.0"><dict><key>scopeName</key><string>source.test</string><key>patterns</key><array><dict><key>name</key><string>comment.test</string><key>match</key><string>#.*</string></dict></array></dict></plist>`;
      for (const installed of [withGrammar('test.json', pattern('#.*')), withGrammar('test.tmLanguage', plist)]) {
        const document = await untitled('  a # b');
        const leftOut = ownLeftOut(installed);
        assert.ok(leftOut.available(document).includes('comments'));
        assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
          ['  ', 'indentation'],
          ['# b', 'comments'],
        ]);
      }
    });

    for (const [what, name, content] of [
      ['is not JSON', 'broken.json', '{ "scopeName": '],
      ['has a pattern that is none', 'pattern.json', pattern('(#')],
      ['is not there', 'missing.json', undefined],
    ] as const)
      it(`treats the language as one without where the grammar ${what}`, async () => {
        const document = await untitled('  a # b\n\tc');
        const leftOut = ownLeftOut(withGrammar(name, content));
        assert.deepEqual(pieces(document, await leftOut.ensure(document)), [
          ['  ', 'indentation'],
          ['\t', 'indentation'],
        ]);
        assert.deepEqual(leftOut.available(document), ['indentation']);
        const typescript = await untitled('// a', 'typescript');
        assert.deepEqual(pieces(typescript, await leftOut.ensure(typescript)), [['// a', 'comments']]);
      });
  });

  describe('as the reader chooses', () => {
    it('is what the setting names for the language, as far as it is available', async () => {
      await setSetting('leaveOut', ['comments', 'indentation', 'nonsense']);
      const leftOut = ownLeftOut();
      assert.deepEqual([...leftOut.skips(await untitled('a', 'typescript'))], ['comments', 'indentation']);
      assert.deepEqual([...leftOut.skips(await untitled('a', 'plaintext'))], ['indentation']);
    });

    it('is remembered by language over a restart, until it is what the setting says', async () => {
      const typescript = await untitled('a', 'typescript');
      ownLeftOut().choose(typescript, ['strings']);
      const again = ownLeftOut();
      assert.deepEqual([...again.skips(typescript)], ['strings']);
      assert.deepEqual([...again.skips(await untitled('a', 'python'))], []);
      again.choose(typescript, []);
      await setSetting('leaveOut', ['comments']);
      assert.deepEqual([...again.skips(typescript)], ['comments']);
    });

    it('starts nothing while nothing is left out, and follows what is shown when something is', async () => {
      const document = await untitled('  a // b', 'typescript');
      await vscode.window.showTextDocument(document);
      const leftOut = ownLeftOut(undefined, true);
      await new Promise(resolve => setTimeout(resolve, 500));
      assert.equal(leftOut.regions(document), undefined);
      leftOut.choose(document, ['comments']);
      await eventually('the regions are known', () => leftOut.regions(document)?.length === 2);
      leftOut.choose(document, []);
      assert.equal(leftOut.regions(document), undefined);
    });

    it('gets no colours after the command, and has them back', async () => {
      await setTheme('Default Dark Modern');
      const text = '// The harbour was quiet before dawn\nconst capital = "Tuesday";\n/* zebra umbrella\n   quantum */ sleep(furiously);\n';
      const document = await untitled(text, 'typescript');
      await vscode.window.showTextDocument(document, { preview: false });
      await vscode.commands.executeCommand('tokenLens.toggle');
      const scores = await (await activated()).score(document.uri);
      await assertDrawn(document, scores, 'dark');
      await browser.screenshot('left-out-nothing');
      const choose = async (...labels: readonly string[]) => {
        const command = vscode.commands.executeCommand('tokenLens.selectLeftOut');
        for (const label of labels)
          await browser.click(`.quick-input-list .monaco-list-row[aria-label^="${label}"] .quick-input-list-label`);
        await browser.screenshot(`left-out-choice-${labels.join('-')}`);
        await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
        await command;
      };
      const hoversAt = async (word: string) => {
        const place = document.positionAt(text.indexOf(word));
        const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>('vscode.executeHoverProvider', document.uri, place);
        return hovers.some(({ contents }) =>
          contents.some(content => content instanceof vscode.MarkdownString && content.value.includes('surprising to')),
        );
      };
      assert.ok((await hoversAt('zebra')) && (await hoversAt('Tuesday')));
      await choose('Comments');
      const inComment = (start: number, end: number) => {
        const middle = (start + end) / 2;
        return middle < text.indexOf('\n') || (middle > text.indexOf('/*') && middle < text.indexOf('*/') + 2);
      };
      const cells = scores.cells.filter(({ start, end }) => !inComment(start, end));
      assert.ok(cells.length < scores.cells.length - 10);
      await assertDrawn(document, { cells }, 'dark');
      assert.deepEqual([await hoversAt('zebra'), await hoversAt('Tuesday')], [false, true]);
      await browser.screenshot('left-out-comments');
      await choose('Comments');
      await assertDrawn(document, scores, 'dark');
      await setTheme(undefined);
    });
  });

  describe('folders', () => {
    it('that are skipped have no scores, by pattern, by whole path and by path from the workspace', async () => {
      const api = await activated();
      const workspace = vscode.workspace.workspaceFolders?.[0];
      assert.ok(workspace);
      const file = (...names: readonly string[]) => {
        const name = path.join(...names);
        mkdirSync(path.dirname(name), { recursive: true });
        writeFileSync(name, 'The harbour was quiet.');
        return vscode.Uri.file(name);
      };
      const inModules = file(folder, 'node_modules', 'a', 'b.txt');
      const inPath = file(folder, 'drafts', 'b.txt');
      const inWorkspace = file(workspace.uri.fsPath, 'generated', 'deep', 'b.txt');
      const beside = file(workspace.uri.fsPath, 'generated.txt');
      await assert.rejects(api.score(inModules), /folder/);
      await setSetting('skipFolders', [path.join(folder, 'drafts'), './generated/']);
      await assert.rejects(api.score(inPath), /folder/);
      await assert.rejects(api.score(inWorkspace), /folder/);
      await api.score(beside);
      await api.score(inModules);
    });
  });

  it('keeps the extension host free while 20,000 tokens are read', async () => {
    const text = '/** Doc */\nexport function a(b: string): string {\n  // why\n  return `t${b}` + "u";\n}\n'.repeat(800);
    const document = await untitled(text, 'typescript');
    const leftOut = await following(document);
    pauses.report();
    const start = performance.now();
    assert.equal((await leftOut.ensure(document)).length, 800 * 7);
    const firstMs = performance.now() - start;
    await edit(document, 0, 0, '/* ');
    await leftOut.ensure(document);
    for (let step = 0; step < 50; step++) await edit(document, 40_000, 0, 'x');
    await leftOut.ensure(document);
    const { longestMs, p999Ms, pieces: count } = pauses.report();
    await browser.log(`       ${firstMs.toFixed(0)} ms for the first reading; in the host ${JSON.stringify({ count, p999Ms, longestMs })}`);
  });
});
