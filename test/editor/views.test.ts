import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { formatBits, formatCount, formatPercent } from '../../src/core/numberText';
import type { DocumentScores } from '../../src/api';
import { activated, eventually, untitled } from './documents';
import { listed } from './picks';

const prose =
  'The harbour was quiet before dawn. The capital of France is Paris. The capital of France is Tuesday. Half an emoji: 🦑 done.\n';
/** The last record ends in a word no record ends in, so that a line break is among what the model expects instead. */
const records = 'Name: Ada\r\nAge: 36\r\nName: Bob\r\nAge: 41\r\nName: Eve\r\nAge: 29 zebra\r\n';
/** Loading the model and scoring some dozens of tokens, on a busy machine. */
const patienceMs = 60_000;

async function open(language: string, content: string): Promise<{ editor: vscode.TextEditor; document: vscode.TextDocument }> {
  const document = await untitled(content, language);
  return { document, editor: await vscode.window.showTextDocument(document, { preview: false }) };
}

/** Turns the lens on as a user does and waits for every token's score. */
async function scored(document: vscode.TextDocument): Promise<DocumentScores> {
  const lens = await activated();
  const complete = new Promise<void>(resolve => {
    const listener = lens.onDidChangeScores(uri => {
      if (uri !== document.uri.toString()) return;
      listener.dispose();
      resolve();
    });
  });
  await vscode.commands.executeCommand('tokenLens.toggle');
  await complete;
  const scores = lens.scores(document.uri);
  assert.ok(scores, 'scored, but nothing to see');
  return scores;
}

/** Our hover at an offset without its colours; undefined where there is none. */
async function hoverAt(document: vscode.TextDocument, offset: number): Promise<string | undefined> {
  const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    document.positionAt(offset),
  );
  const contents = hovers
    .flatMap(hover => hover.contents)
    .map(content => (content instanceof vscode.MarkdownString ? content : new vscode.MarkdownString('')));
  const ours = contents.find(content => /surprising to|No score/i.test(content.value));
  // A hover holds text that nobody vouches for: its links can do nothing but show a list.
  if (ours) assert.deepEqual(ours.isTrusted, { enabledCommands: ['tokenLens.showAlternatives', 'tokenLens.continueFromHere'] });
  return ours?.value.replaceAll(/<[^>]*>/g, '').replaceAll('&nbsp;', ' ');
}

/** Markdown without its character references, which stand for every character of a token that is not a letter or digit. */
function decoded(markdown: string): string {
  return markdown.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

function glyphs(text: string): string {
  return text.replaceAll(' ', '·').replaceAll(/\r?\n/g, '↵');
}

async function setHover(mode: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('tokenLens').update('hover', mode, vscode.ConfigurationTarget.Global);
}

/** Runs the list of alternatives, moves `steps` entries down (or up) and chooses. `meanwhile` runs while the list is open. */
async function chooseAlternative(steps: number, meanwhile: () => Thenable<unknown> = () => Promise.resolve()): Promise<void> {
  const command = vscode.commands.executeCommand('tokenLens.showAlternatives');
  await eventually('the list is open', async () => (await listed()).some(({ focused }) => focused));
  await meanwhile();
  for (let step = 0; step < Math.abs(steps); step++)
    await vscode.commands.executeCommand(steps > 0 ? 'workbench.action.quickOpenSelectNext' : 'workbench.action.quickOpenSelectPrevious');
  await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
  await command;
}

describe('views', function () {
  this.timeout(patienceMs);

  afterEach(async () => {
    await setHover(undefined);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    const document = vscode.window.activeTextEditor?.document;
    if (document && (await activated()).scores(document.uri)) await vscode.commands.executeCommand('tokenLens.toggle');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('registers every command that the palette shows', async () => {
    await activated();
    const known = new Set(await vscode.commands.getCommands(true));
    for (const id of ['toggle', 'showPanel', 'showAlternatives', 'showLog']) assert.ok(known.has(`tokenLens.${id}`), id);
  });

  it('hovers with the numbers of the table: this token, and what was expected instead', async () => {
    const { document } = await open('plaintext', prose);
    const { tokens } = await scored(document);
    await setHover('all');
    for (const token of tokens) {
      if (tokens.some(other => other !== token && other.start < token.end && token.start < other.end)) continue; // a part of a character
      const hover = await hoverAt(document, token.start);
      assert.ok(hover !== undefined, `no hover at ${String(token.start)}`);
      const [heading = '', , sentences = '', , ...table] = hover.split('\n');
      assert.ok(decoded(heading).includes(`### ${glyphs(document.getText().slice(token.start, token.end))} `), heading);
      assert.ok(heading.includes(`${formatBits(token.surprisalBits ?? NaN)} bits`), heading);
      assert.ok(sentences.includes(`rank ${formatCount(token.rank ?? 0)}.`), sentences);
      assert.ok(sentences.includes(`Entropy ${formatBits(token.entropyBits ?? NaN)} bits`), sentences);
      assert.ok(token.contextTokens < 2 || sentences.includes(`${formatCount(token.contextTokens)} tokens`), sentences);

      const rows = table.slice(2).map(line => line.split('|').map(cell => cell.trim()));
      const last = rows.pop();
      assert.equal(last?.[2], '*everything else*');
      const own = rows.filter(row => row[2]?.includes('in the text'));
      assert.equal(own.length, 1);
      assert.equal(own[0]?.[1], formatCount(token.rank ?? 0));
      const others = rows.filter(row => !own.includes(row)).map(row => row[3]);
      const expected = token.topIds.flatMap((id, index) =>
        id === token.id ? [] : [`${formatPercent(token.topProbabilities[index] ?? NaN)}%`],
      );
      assert.deepEqual(others, expected);
    }
  });

  it('hovers once for a character of several tokens, and lists each', async () => {
    const { document } = await open('plaintext', prose);
    const { tokens, cells } = await scored(document);
    const squid = prose.indexOf('🦑');
    const parts = tokens.filter(token => token.start <= squid && squid < token.end);
    const cell = cells.find(({ start, end }) => start <= squid && squid < end);
    assert.ok(parts.length > 1 && cell?.bits !== null && cell !== undefined);
    const hover = await hoverAt(document, squid);
    assert.equal(hover?.split('### ').length, parts.length + 1);
    assert.ok(hover.includes(`These ${String(parts.length)} tokens share one character`));
    const sum = parts.reduce((bits, { surprisalBits }) => bits + (surprisalBits ?? NaN), 0);
    assert.ok(Math.abs(sum - cell.bits) < 1e-9);
  });

  it('hovers where `tokenLens.hover` says, and never while the lens is off', async () => {
    const { document } = await open('plaintext', prose);
    assert.equal(await hoverAt(document, prose.indexOf('Tuesday')), undefined);
    const { cells } = await scored(document);
    const plain = cells.find(cell => cell.band === 0)?.start ?? -1;
    const surprising = cells.find(cell => cell.band === 5)?.start ?? -1;
    assert.ok(plain >= 0 && surprising >= 0);
    const shown = async () => [(await hoverAt(document, plain)) !== undefined, (await hoverAt(document, surprising)) !== undefined];
    assert.deepEqual(await shown(), [false, true]);
    await setHover('all');
    assert.deepEqual(await shown(), [true, true]);
    await setHover('off');
    assert.deepEqual(await shown(), [false, false]);
    await setHover('all');
    await vscode.commands.executeCommand('tokenLens.toggle');
    assert.deepEqual(await shown(), [false, false]);
    assert.equal((await activated()).scores(document.uri), undefined);
  });

  it('puts an alternative in the place of the token, with the line ending of the document, in one step that can be undone', async () => {
    const { document, editor } = await open('plaintext', records);
    await editor.edit(builder => {
      builder.setEndOfLine(vscode.EndOfLine.CRLF); // what an untitled document begins with depends on the machine
    });
    assert.equal(document.getText(), records);
    const { tokens } = await scored(document);
    const lineBreak = tokens.find(({ start, end }) => records.slice(start, end) === '\r\n');
    const zebra = records.indexOf(' zebra');
    const target = tokens.find(({ start }) => start === zebra);
    assert.ok(lineBreak && target);
    const steps = target.topIds.indexOf(lineBreak.id);
    assert.ok(steps >= 0 && !target.topIds.includes(target.id), 'the text no longer tests what it should');
    const position = document.positionAt(zebra);
    editor.selection = new vscode.Selection(position, position);
    await chooseAlternative(steps);
    await eventually('the token is replaced', () => document.getText() === records.slice(0, zebra) + '\r\n' + records.slice(target.end));
    await vscode.commands.executeCommand('undo');
    await eventually('it is undone', () => document.getText() === records);
  });

  it('leaves the text alone when "everything else" or the token itself is chosen', async () => {
    const { document, editor } = await open('plaintext', prose);
    const { tokens } = await scored(document);
    const target = tokens.find(token => token.rank === 1 && token.start > 30);
    assert.ok(target);
    const position = document.positionAt(target.start);
    editor.selection = new vscode.Selection(position, position);
    const { version } = document;
    await chooseAlternative(0);
    await chooseAlternative(-1); // from the first entry up: the last
    assert.equal(document.getText(), prose);
    assert.equal(document.version, version);
  });

  it('replaces nothing when the document changed while the list was open', async () => {
    const { document, editor } = await open('plaintext', prose);
    const { tokens } = await scored(document);
    const target = tokens.find(token => (token.rank ?? 0) > 20);
    assert.ok(target);
    const position = document.positionAt(target.start);
    editor.selection = new vscode.Selection(position, position);
    await chooseAlternative(0, () =>
      editor.edit(builder => {
        builder.insert(new vscode.Position(0, 0), 'X');
      }),
    );
    assert.equal(document.getText(), `X${prose}`);
  });
});
