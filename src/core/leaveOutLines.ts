import { regionKinds } from './regions';
import type { RegionKind, Regions } from './regions';

/** A part of a line with the names that a TextMate grammar gives it, outermost first. */
export interface ScopedPart {
  readonly startIndex: number;
  readonly endIndex: number;
  readonly scopes: readonly string[];
}

/** A grammar, as far as it is needed here. `S`: what it knows at the end of a line. */
export interface LineGrammar<S> {
  readonly initial: S;
  /** A line without its line break; `before`: what is known at the end of the line before it. */
  read(line: string, before: S): { readonly parts: readonly ScopedPart[]; readonly state: S };
  isSame(a: S, b: S): boolean;
}

/** One change of an edit, by lines and UTF-16 columns of the text before the edit. */
export interface LineChange {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly text: string;
}

/** Longer lines are not read by grammars: VS Code does not draw them to their end, and does not read lines twice as long either. */
const mostLineUnits = 10_000;
const lineBreak = /\r\n|\r|\n/;
const kindIndex = Object.fromEntries(regionKinds.map((kind, index) => [kind, index])) as Readonly<Record<RegionKind, number>>;

interface Line<S> {
  readonly text: string;
  /** Three numbers a region: start and end, UTF-16 in the line, and kind. A region without length on an empty line: it goes on there. */
  regions: readonly number[];
  /** At the end of the line; undefined: not read yet. While `isStale`, that of the line that stood here before. */
  state: S | undefined;
  isStale: boolean;
}

/**
 * The regions of one document, line by line: an edit reads its own lines again, and those below until what is known at the end of a line is
 * what was known there before. Without a grammar there is only indentation.
 */
export class DocumentLines<S> {
  #grammar: LineGrammar<S> | undefined;
  #lines: Line<S>[];
  readonly #breakLength: number;
  /** No line before it is stale. */
  #next = 0;

  /** `breakLength`: UTF-16 units of a line break, the same for all lines. */
  constructor(text: string, breakLength: number, grammar?: LineGrammar<S>) {
    this.#grammar = grammar;
    this.#breakLength = breakLength;
    this.#lines = text.split(lineBreak).map(newLine<S>);
  }

  /** Everything is to be read again, by this grammar. */
  useGrammar(grammar: LineGrammar<S> | undefined): void {
    this.#grammar = grammar;
    this.#lines = this.#lines.map(({ text }) => newLine(text));
    this.#next = 0;
  }

  /** UTF-16 units of the whole text. */
  get length(): number {
    return this.#lines.reduce((sum, { text }) => sum + text.length, (this.#lines.length - 1) * this.#breakLength);
  }

  /** `changes`: in any order; they do not overlap. */
  edited(changes: readonly LineChange[]): void {
    // From the last to the first, so that none moves another.
    for (const change of [...changes].sort((a, b) => b.startLine - a.startLine || b.startColumn - a.startColumn)) {
      const { startLine, endLine } = change;
      const before = this.#lines[startLine]?.text.slice(0, change.startColumn) ?? '';
      const after = this.#lines[endLine]?.text.slice(change.endColumn) ?? '';
      const lines = (before + change.text + after).split(lineBreak).map(newLine<S>);
      const last = lines.at(-1);
      if (last) last.state = this.#lines[endLine]?.state;
      this.#lines = [...this.#lines.slice(0, startLine), ...lines, ...this.#lines.slice(endLine + 1)];
      this.#next = Math.min(this.#next, startLine);
    }
  }

  /** Reads one line that has to be read; false when there is none. */
  step(): boolean {
    while (this.#next < this.#lines.length && this.#lines[this.#next]?.isStale === false) this.#next++;
    const line = this.#lines[this.#next];
    if (!line) return false;
    line.isStale = false;
    const grammar = this.#grammar;
    if (!grammar || line.text.length > mostLineUnits) {
      line.regions = regionsOfLine(line.text, [], false);
      if (grammar) this.#endsIn(line, this.#stateBefore(grammar), grammar);
      return true;
    }
    const { parts, state } = grammar.read(line.text, this.#stateBefore(grammar));
    line.regions = regionsOfLine(line.text, parts, true);
    this.#endsIn(line, state, grammar);
    return true;
  }

  /** All that is known; complete when `step` has said that there is nothing left. */
  regions(): Regions {
    const [starts, ends, kinds]: [number[], number[], number[]] = [[], [], []];
    let lineStart = 0;
    let endOfLastLine = -1;
    for (const { text, regions } of this.#lines) {
      for (let at = 0; at < regions.length; at += 3) {
        const start = lineStart + (regions[at] ?? 0);
        const end = lineStart + (regions[at + 1] ?? 0);
        const kind = regions[at + 2] ?? 0;
        const last = ends.length - 1;
        // A region that goes to the end of a line and on at the beginning of the next has the break between them, too.
        const goesOn = kinds[last] === kind && (ends[last] === start || (start === lineStart && ends[last] === endOfLastLine));
        if (goesOn) ends[last] = end;
        else {
          starts.push(start);
          ends.push(end);
          kinds.push(kind);
        }
      }
      endOfLastLine = lineStart + text.length;
      lineStart = endOfLastLine + this.#breakLength;
    }
    const full = starts.map((start, index) => start < (ends[index] ?? 0));
    const kept = (column: readonly number[]) => column.filter((_, index) => full[index]);
    return {
      length: full.filter(Boolean).length,
      starts: Uint32Array.from(kept(starts)),
      ends: Uint32Array.from(kept(ends)),
      kinds: Uint8Array.from(kept(kinds)),
    };
  }

  #stateBefore(grammar: LineGrammar<S>): S {
    return this.#lines[this.#next - 1]?.state ?? grammar.initial;
  }

  #endsIn(line: Line<S>, state: S, grammar: LineGrammar<S>): void {
    const next = this.#lines[this.#next + 1];
    if (next && (line.state === undefined || !grammar.isSame(line.state, state))) next.isStale = true;
    line.state = state;
  }
}

function newLine<S>(text: string): Line<S> {
  return { text, regions: [], state: undefined, isStale: true };
}

/** Addresses in running text: grammars name only those that have a mark-up of their own. Punctuation after one is not of it, brackets in pairs are. */
const bareAddress =
  /\b(?:https?:\/\/|ftp:\/\/|file:\/\/|mailto:|www\.)(?:\([^\s()]*\)|[^\s<>"'`(){}[\]|\\])*(?:\([^\s()]*\)|[^\s<>"'`(){}[\]|\\.,;:!?*_~])/g;
const leadingSpace = /^\s+/;

/** `parts` ascend. A part is of the outermost kind that its scopes name, and white space before all kinds is indentation. */
function regionsOfLine(text: string, parts: readonly ScopedPart[], withAddresses: boolean): number[] {
  const regions: number[] = [];
  const add = (start: number, end: number, kind: RegionKind) => {
    const last = regions.length - 3;
    if (regions[last + 2] === kindIndex[kind] && regions[last + 1] === start) regions[last + 1] = end;
    else regions.push(start, end, kindIndex[kind]);
  };
  const kinds = parts.map(({ scopes }) => kindOfScopes(scopes));
  const firstKind = parts.findIndex((_, index) => kinds[index] !== undefined);
  const indentation = leadingSpace.exec(text)?.[0].length ?? 0;
  const indentationEnd = Math.min(indentation, parts[firstKind]?.startIndex ?? indentation);
  if (indentationEnd > 0) add(0, indentationEnd, 'indentation');
  const addresses = withAddresses
    ? Array.from(text.matchAll(bareAddress), found => [found.index, found.index + found[0].length] as const)
    : [];
  let at = indentationEnd;
  for (const [index, part] of parts.entries()) {
    const kind = kinds[index];
    if (!kind) continue;
    addLinksUpTo(part.startIndex);
    add(part.startIndex, Math.min(part.endIndex, text.length), kind); // the break is in the last part of some lines
    at = part.endIndex;
  }
  addLinksUpTo(text.length);
  return regions;

  /** Of `at` to `end`, where there is no other kind; an address that lies only partly there is of that kind. */
  function addLinksUpTo(end: number): void {
    for (const [from, to] of addresses) if (from >= at && to <= end) add(from, to, 'links');
  }
}

/**
 * The kind of text by its TextMate scopes; the outermost says, so a comment in fenced code is fenced code.
 * Docstrings are comments. Strings are what has quotes: no regular expressions (but those that are written as a string), no YAML scalars, no
 * names of JSON properties, no titles of links; and code inside a string is code.
 */
export function kindOfScopes(scopes: readonly string[]): RegionKind | undefined {
  let isString = false;
  for (const scope of scopes) {
    if (scope.includes('frontmatter')) return 'frontMatter';
    if (/^markup\.(?:fenced_code|raw\.block)\b/.test(scope)) return 'fencedCode';
    if (isString) {
      isString = !isCodeInString.test(scope);
      continue;
    }
    if (/^(?:comment\b|string\b.*\bdocstring\b)/.test(scope)) return 'comments';
    if (/^markup\.underline\.link\b/.test(scope)) return 'links';
    isString = isStringScope(scope);
  }
  return isString ? 'strings' : undefined;
}

const isCodeInString = /^(?:meta\.(?:embedded|template\.expression|interpolation)|source|support\.type\.property-name)\b/;

function isStringScope(scope: string): boolean {
  if (!/^string\b/.test(scope)) return false;
  if (/^string\.(?:other\.link|interpolated\.dollar)\b/.test(scope)) return false;
  if (/^string\.unquoted\b/.test(scope)) return scope.includes('heredoc');
  return !/^string\.regexp\b/.test(scope) || /^string\.regexp\.quoted\b/.test(scope);
}
