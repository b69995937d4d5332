import * as vscode from 'vscode';
import type { Disposable } from './disposable';
import type { ScoredDocuments } from './scoredDocuments';
import { passageTokens } from './textScores';

/** As package.json declares it. */
const toolName = 'get_text_surprisal';
/** UTF-16 units that are scored at a time. */
const mostUnits = 20_000;
const usualTop = 15;
const mostTop = 50;
const expectedCount = 3;

interface Input {
  readonly file: string;
  /** From 1, included. */
  readonly startLine: number;
  readonly endLine: number;
  readonly most: number;
}

/** For agents: how surprising lines of a file are. Errors say what to ask for instead; what is returned is JSON. */
export function registerSurprisalTool(scored: Pick<ScoredDocuments, 'ask'>): Disposable {
  return vscode.lm.registerTool<unknown>(toolName, {
    prepareInvocation: ({ input }) => {
      const { file, startLine, endLine } = readInput(input);
      const lines =
        endLine === Infinity ? vscode.l10n.t('line {0} on', startLine.toString()) : `${startLine.toString()}-${endLine.toString()}`;
      return { invocationMessage: vscode.l10n.t('Reading {0} ({1}) with the model of Token Lens', file, lines) };
    },
    invoke: async ({ input }, token) => {
      const abort = new AbortController();
      const cancelled = token.onCancellationRequested(() => {
        abort.abort();
      });
      try {
        const answer = await surprisalOf(scored, readInput(input), abort.signal);
        return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(JSON.stringify(answer))]);
      } finally {
        cancelled.dispose();
      }
    },
  });
}

async function surprisalOf(scored: Pick<ScoredDocuments, 'ask'>, input: Input, signal: AbortSignal) {
  const document = await openDocument(input.file);
  if (input.startLine > document.lineCount)
    throw new Error(`The file has ${document.lineCount.toString()} lines; startLine is ${input.startLine.toString()}.`);
  const last = document.lineAt(Math.min(input.endLine, document.lineCount) - 1);
  const range = new vscode.Range(new vscode.Position(input.startLine - 1, 0), last.rangeIncludingLineBreak.end);
  const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  if (end - start > mostUnits) {
    throw new Error(
      `These lines have ${(end - start).toString()} characters, more than the ${mostUnits.toString()} that are scored at a time: ask for fewer lines.`,
    );
  }
  const edit = { start, end, text: document.getText(range) };
  const asked = { edit, followingTokens: 0, topCount: expectedCount, wholeEdit: true };
  const { result, vocabulary, provenance } = await scored.ask(document, 'try', asked, signal, { withoutPreamble: true });
  const tokens = passageTokens(result.after, vocabulary, 0).filter(token => token.end > start && token.start < end);
  const withBits = tokens.flatMap(token => (token.surprisalBits === null ? [] : [{ ...token, surprisalBits: token.surprisalBits }]));
  const totalBits = withBits.reduce((sum, { surprisalBits }) => sum + surprisalBits, 0);
  const first = withBits[0]?.start ?? start;
  const bytes = Buffer.byteLength(document.getText(new vscode.Range(document.positionAt(first), range.end)));
  const top = withBits.sort((a, b) => b.surprisalBits - a.surprisalBits || a.start - b.start).slice(0, input.most);
  return {
    view: `${provenance.model} (${provenance.dtype}), a small model on this machine; not the author of the text`,
    file: input.file,
    startLine: input.startLine,
    endLine: last.lineNumber + 1,
    contextBefore: `the text of the file before each token, at most ${provenance.window.toString()} tokens of it`,
    tokens: tokens.length,
    totalBits: rounded(totalBits),
    bitsPerToken: withBits.length === 0 ? null : rounded(totalBits / withBits.length),
    bitsPerByte: withBits.length === 0 ? null : rounded(totalBits / bytes),
    perplexity: withBits.length === 0 ? null : rounded(2 ** (totalBits / withBits.length)),
    top: top.map(token => {
      const place = document.positionAt(token.start);
      return {
        line: place.line + 1,
        column: place.character + 1,
        text: document.getText(new vscode.Range(place, document.positionAt(token.end))),
        bits: rounded(token.surprisalBits),
        rank: token.rank,
        expected: token.alternatives.map(({ text, probability }) => ({ text, probability: rounded(probability) })),
      };
    }),
  };
}

/** Only what the user has open, or has in a folder of the workspace. */
async function openDocument(file: string): Promise<vscode.TextDocument> {
  const { textDocuments, workspaceFolders = [] } = vscode.workspace;
  const candidates = addressesOf(file);
  const open = candidates.flatMap(uri => textDocuments.filter(document => document.uri.toString() === uri.toString()))[0];
  if (open) return open;
  for (const uri of candidates) {
    if (!vscode.workspace.getWorkspaceFolder(uri)) continue;
    try {
      return await vscode.workspace.openTextDocument(uri);
    } catch {
      continue; // not in this folder
    }
  }
  const folders = workspaceFolders.map(({ name }) => name).join(', ');
  throw new Error(
    `There is no text file ${JSON.stringify(file)} that is open or in the workspace${folders === '' ? '' : ` (${folders})`}. Give its path from a folder of the workspace.`,
  );
}

function addressesOf(file: string): readonly vscode.Uri[] {
  const isAddress = /^[a-z][\w+.-]+:/i.test(file); // one letter is a drive
  if (isAddress) return [withoutDots(vscode.Uri.parse(file))];
  if (/^([a-z]:)?[\\/]/i.test(file)) return [withoutDots(vscode.Uri.file(file))];
  return (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => vscode.Uri.joinPath(uri, file));
}

/** VS Code goes by the beginning of an address, and takes `folder/../secret` for a file of the folder. */
function withoutDots(uri: vscode.Uri): vscode.Uri {
  return uri.path.startsWith('/') ? vscode.Uri.joinPath(uri, '.') : uri;
}

/** From a language model: whatever it made of the schema. */
function readInput(input: unknown): Input {
  const given: Partial<Record<keyof Input, unknown>> = (typeof input === 'object' ? input : undefined) ?? {};
  const { file, startLine = 1, endLine = Infinity, most = usualTop } = given;
  if (typeof file !== 'string' || file.trim() === '') throw new Error('Give `file`: the path of a text file in the workspace, or its URI.');
  const isLine = (value: unknown): value is number =>
    typeof value === 'number' && (Number.isSafeInteger(value) || value === Infinity) && value >= 1;
  if (!isLine(startLine) || !isLine(endLine) || startLine > endLine)
    throw new Error('`startLine` and `endLine` are whole numbers from 1, the first not after the last.');
  if (!isLine(most)) throw new Error('`most` is a whole number from 1.');
  return { file, startLine, endLine, most: Math.min(most, mostTop) };
}

/** Enough digits for people and models; a probability keeps its first ones. */
function rounded(value: number): number {
  return value >= 0.01 ? Math.round(value * 1000) / 1000 : Number(value.toPrecision(2));
}
