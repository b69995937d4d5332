import * as vscode from 'vscode';
import { escapedText } from '../core/hoverText';
import { costTokens, declarationsOf, partsByLastLine, sourcesOf } from '../core/influence';
import type { Source, SourceLevel } from '../core/influence';
import { formatBits, formatSignedBits } from '../core/numberText';
import type { Span } from '../core/scores';
import { firstWhere } from '../core/search';
import { isLong } from '../core/speed';
import type { Cost } from '../core/speed';
import type { Declaration } from '../functionSymbols';
import type { Filler, WithoutResult } from '../model/contextProtocol';
import { fillers, influenceParts } from './explainProtocol';
import type { InfluenceParts, ListedToken, SectionAsked } from './explainProtocol';
import { listedTokens, SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import { bitsOf } from './explainTarget';
import type { ExplainSection, Explaining, SectionPainting } from './explainTarget';
import { excerpt } from './places';
import type { PaintedPiece } from './signedPaint';

/** The model's own proposals are several texts, each of which is run. */
const proposalRuns = 4;
const excerptLength = 80;

/** What each part of the context contributes. Its `offer` is what finding the strongest lines would cost at most, from here on. */
export interface InfluenceState extends RunShown {
  readonly filler: Filler;
  /** What is left out first; undefined: there is no choice, since nothing is declared in the context as far as the editor knows. */
  readonly parts: InfluenceParts | undefined;
  /** Nothing stands before the target that could be left out. */
  readonly isEmpty: boolean;
  /** Blocks or declarations, below each its lines and below those their tokens, as far as they were opened; nearest to the target first. */
  readonly sources: readonly SourceShown[];
  readonly selected: SelectedSource | undefined;
}

export interface SourceShown extends Span {
  /** Names it in messages. */
  readonly key: string;
  readonly level: SourceLevel;
  /** Of what is declared there. */
  readonly name: string | undefined;
  /** From 0. */
  readonly depth: number;
  /** From 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  /** Positive: it made what is explained likelier; undefined: not computed yet. */
  readonly bits: number | undefined;
  readonly klBits: number | undefined;
  readonly isNoise: boolean;
  /** Of those beside it. */
  readonly isStrongest: boolean;
  /** It can be taken apart, at this cost. */
  readonly finer: { readonly level: SourceLevel; readonly cost: Cost } | undefined;
}

/** What would be predicted without a source, beside what is. */
export interface SelectedSource {
  readonly key: string;
  readonly whole: readonly ListedToken[];
  readonly without: readonly ListedToken[];
  /** Of what is explained. */
  readonly wholeBits: number;
  readonly withoutBits: number;
}

interface Node {
  readonly source: Source;
  readonly level: SourceLevel;
  readonly key: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  readonly name: string | undefined;
  result: WithoutResult | undefined;
  /** Of the next finer level, empty where it cannot be taken apart; undefined: nobody has looked. */
  finer: readonly Node[] | undefined;
  isOpen: boolean;
}

/** Leave-one-out from coarse to fine: blocks or declarations, what the strongest one is made of, and tokens where somebody asks for them. Each filler has numbers of its own. */
export class InfluenceSection implements ExplainSection<InfluenceState> {
  readonly #explaining: Explaining;
  /** By filler and parts. */
  readonly #trees = new Map<string, readonly Node[]>();
  #filler: Filler = 'startToken';
  #parts: InfluenceParts = 'blocks';
  #run: SectionRun;
  #selected: string | undefined;
  /** The place whose part is taken apart and selected when the run is begun. UTF-16. */
  #wanted: number | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
    if (explaining.target.provenance.startTokenId === null) this.#filler = 'proposals';
  }

  state(): InfluenceState {
    return {
      ...this.#run.shown(this.#left),
      filler: this.#filler,
      parts: this.#parts === 'declarations' || this.#declarations.length > 0 ? this.#parts : undefined,
      isEmpty: this.#blocks.length === 0,
      sources: this.#shown(this.#blocks, 0),
      selected: this.#selectedState(),
    };
  }

  shown(): void {
    if (this.#run.isRunning) return;
    if (this.#run.mayBeginUnasked(this.#left)) void this.#coarseToFine();
    else if (this.#nextCheap(0)) void this.#firstNumbers();
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name, value }: SectionAsked): void {
    switch (name) {
      case 'run':
        void this.#coarseToFine();
        return;
      case 'begin':
        this.#run.end();
        this.#wanted = typeof value === 'number' ? value : undefined;
        if (this.#left) this.shown();
        else void this.#coarseToFine(); // all is there, and is shown
        break;
      case 'cancel':
        this.#run.end();
        break;
      case 'filler':
      case 'parts':
        this.#run.end();
        this.#run = new SectionRun(this.#explaining); // without the problem of the other filler
        if (name === 'filler') this.#filler = fillers.find(each => each === value) ?? this.#filler;
        else this.#parts = influenceParts.find(each => each === value) ?? this.#parts;
        this.shown();
        break;
      case 'open': {
        const node = this.#node(value);
        if (node) void this.#open(node);
        return;
      }
      case 'select': {
        const node = this.#node(value);
        if (!node) return;
        this.#selected = node.key;
        this.#explaining.reveal(node.source.span);
        break;
      }
    }
    this.#explaining.changed();
  }

  /** The finest parts that have numbers, each place once. */
  painting(): SectionPainting {
    const leaves = finest(this.#blocks).sort((a, b) => a.source.span.start - b.source.span.start);
    const pieces = leaves.map((node): PaintedPiece => ({ span: node.source.span, ...this.#painted(node) }));
    const lineEnds = [...partsByLastLine(leaves)].flatMap(([line, parts]) => {
      const values = parts.map(part => (part === 'tokens' ? '…' : this.#lineEnd(part, this.#bitsOf(part) ?? NaN)));
      return values.every(value => value === '…') ? [] : [[line - 1, values.join(' · ')] as const];
    });
    return { pieces, lineEnds: new Map(lineEnds) };
  }

  #painted(node: Node): { readonly bits: number; readonly hover: vscode.MarkdownString } {
    const bits = this.#bitsOf(node) ?? NaN;
    const klBits = Math.max(0, node.result?.without.klBits ?? NaN);
    const all = vscode.l10n.t('The whole prediction changes by {0} bits (KL).', formatBits(klBits));
    const isNoise = klBits <= this.#explaining.target.noise.bits;
    const words = [this.#effectInWords(bits), isNoise ? `${all} ${vscode.l10n.t('That is not to be told from noise.')}` : all];
    return { bits, hover: new vscode.MarkdownString(words.map(escapedText).join('\n\n')) };
  }

  #effectInWords(bits: number): string {
    const { target, chosen } = this.#explaining;
    const written = formatSignedBits(bits);
    if (Math.abs(bits) <= target.noise.bits) return vscode.l10n.t('{0} bits: not to be told from noise.', written);
    if (chosen.b !== undefined)
      return bits > 0
        ? vscode.l10n.t('{0} bits: it speaks for the first of the two tokens.', written)
        : vscode.l10n.t('{0} bits: it speaks for the second of the two tokens.', written);
    return bits > 0
      ? vscode.l10n.t('{0} bits: it made the target likelier.', written)
      : vscode.l10n.t('{0} bits: it made the target less likely.', written);
  }

  /** Of noise nothing is said. */
  #lineEnd({ level, firstLine, lastLine }: Node, bits: number): string {
    if (Math.abs(bits) <= this.#explaining.target.noise.bits) return '…';
    const written = formatSignedBits(bits);
    if (level === 'line' || firstLine === lastLine) return vscode.l10n.t('{0} bits', written);
    return vscode.l10n.t('{0} bits: lines {1} to {2}', written, firstLine.toString(), lastLine.toString());
  }

  /** The coarsest parts, whatever they are. */
  get #blocks(): readonly Node[] {
    const key = `${this.#filler} ${this.#parts}`;
    let blocks = this.#trees.get(key);
    if (!blocks) {
      blocks = this.#nodes(this.#parts === 'blocks' ? 'block' : 'declaration', undefined, '');
      this.#trees.set(key, blocks);
    }
    return blocks;
  }

  /** Those of the context. */
  get #declarations(): readonly Declaration[] {
    const { declarations, target } = this.#explaining;
    const { contextFirst, row, span, table } = target;
    const from = contextFirst < row ? (table.starts[contextFirst] ?? 0) : span.start;
    return declarations.filter(({ start, end }) => start < span.start && end > from);
  }

  #nodes(level: SourceLevel, within: Node | undefined, prefix: string): readonly Node[] {
    const { target } = this.#explaining;
    const { table, text, contextFirst, row } = target;
    const lineStarts = lineStartsOf(text); // of the text that the target is of: the document may be another by now
    const declarations = level === 'declaration' ? this.#declarations : [];
    const contextStart = table.starts[contextFirst] ?? 0;
    const sources =
      level === 'declaration'
        ? declarationsOf(table, text, contextFirst, row, declarations, within?.source.rows)
        : sourcesOf(table, text, contextFirst, row, level, within?.source.rows);
    return sources.map((source, index) => {
      const content = text.slice(source.span.start, source.span.end);
      const shownStart = source.span.start + content.length - content.trimStart().length;
      const lineOf = (offset: number) => lineNumberAt(lineStarts, offset);
      return {
        source,
        level,
        key: `${prefix}${index}`,
        firstLine: lineOf(Math.min(shownStart, source.span.end)),
        lastLine: lineOf(source.span.start + content.trimEnd().length),
        text: level === 'token' ? content : excerpt(content, excerptLength),
        // What began before the context is of the first part.
        name: declarations.find(({ start }) => holds({ source }, Math.max(start, contextStart)))?.name,
        result: undefined,
        finer: undefined,
        isOpen: false,
      };
    });
  }

  #finerOf(node: Node): readonly Node[] {
    return (node.finer ??= this.#makeFiner(node));
  }

  #makeFiner(node: Node): readonly Node[] {
    if (node.level === 'token') return [];
    const members = node.level === 'declaration' ? this.#nodes('declaration', node, `${node.key}.`) : [];
    if (members.length > 1) return members;
    const lines = node.level === 'line' ? [] : this.#nodes('line', node, `${node.key}.`);
    if (lines.length > 1) return lines;
    const tokens = this.#nodes('token', node, `${node.key}.`);
    return tokens.length > 1 ? tokens : [];
  }

  /** What is computed without being asked for once a block is known to be the strongest: its lines, or the tokens of the only line that there is. */
  #nextOf(block: Node): readonly Node[] {
    const finer = this.#finerOf(block);
    return finer[0]?.level !== 'token' || this.#blocks.length === 1 ? finer : [];
  }

  /** Until the strongest block's lines are there; at most, since nobody knows which that is. */
  get #left(): Cost | undefined {
    const blocks = this.#blocks;
    const open = blocks.filter(({ result }) => !result);
    const strongest = open.length === 0 ? this.#strongest(blocks) : undefined;
    const candidates = strongest ? [strongest] : blocks;
    const most = Math.max(0, ...candidates.map(block => this.#tokensFor(this.#nextOf(block).filter(({ result }) => !result))));
    const wanted = blocks.find(block => holds(block, this.#wanted));
    const wantedParts = wanted && !candidates.includes(wanted) ? this.#finerOf(wanted).filter(({ result }) => !result) : [];
    const tokens = this.#tokensFor(open) + most + this.#tokensFor(wantedParts);
    return tokens === 0 ? undefined : this.#costOf(tokens);
  }

  #tokensFor(nodes: readonly Node[]): number {
    const { row, contextFirst, keepsContext } = this.#explaining.target;
    const sources = nodes.map(({ source }) => source);
    return costTokens(sources, row, contextFirst, keepsContext) * (this.#filler === 'proposals' ? proposalRuns : 1);
  }

  #costOf(tokens: number): Cost {
    return this.#explaining.speeds.run.cost(tokens);
  }

  async #coarseToFine(): Promise<void> {
    const offset = this.#wanted;
    await this.#running(async measure => {
      const blocks = this.#blocks;
      await measure(blocks);
      const strongest = this.#strongest(blocks);
      if (!strongest) return;
      const next = this.#nextOf(strongest);
      strongest.isOpen ||= next.length > 0;
      await measure(next);
      const wanted = blocks.find(block => holds(block, offset));
      if (!wanted) return;
      const parts = this.#finerOf(wanted);
      wanted.isOpen ||= parts.length > 0;
      await measure(parts);
      this.#selected = (parts.find(part => holds(part, offset)) ?? wanted).key;
    });
  }

  /** What somebody who has just come sees, of a context whose lines take longer: blocks from the target on, as far as all of them together take little time. */
  async #firstNumbers(): Promise<void> {
    await this.#running(async measure => {
      let begun = 0;
      // The first ones show how fast the model is.
      for (let block = this.#nextCheap(begun); block; block = this.#nextCheap(begun)) {
        begun += this.#tokensFor([block]);
        await measure([block]);
      }
    });
  }

  /** The nearest block without a number; undefined where there is none, or where it and so many tokens that were run take long. */
  #nextCheap(tokensRun: number): Node | undefined {
    const next = this.#blocks.find(({ result }) => !result);
    return next && !isLong(this.#costOf(tokensRun + this.#tokensFor([next]))) ? next : undefined;
  }

  async #open(node: Node): Promise<void> {
    const finer = this.#finerOf(node);
    if (finer.length === 0) return;
    node.isOpen = true;
    await this.#running(measure => measure(finer));
  }

  /** One run at a time; the newest wins. Never rejects. */
  async #running(work: (measure: (nodes: readonly Node[]) => Promise<void>) => Promise<void>): Promise<void> {
    const filler = this.#filler;
    await this.#run.begin(0, (signal, tell) =>
      work(async nodes => {
        const open = nodes.filter(({ result }) => !result);
        tell(0, open.length);
        for (const node of open) {
          const begun = performance.now();
          const { result } = await this.#explaining.ask('without', { source: node.source.rows, filler }, signal);
          signal.throwIfAborted();
          this.#explaining.speeds.run.ran(result.tokensRun, (performance.now() - begun) / 1000);
          node.result = result;
          tell(1);
        }
      }),
    );
  }

  #bitsOf({ result }: Node): number | undefined {
    const { chosen } = this.#explaining;
    return result && bitsOf(result.without, chosen) - bitsOf(result.whole, chosen);
  }

  #strongest(nodes: readonly Node[]): Node | undefined {
    let strongest: Node | undefined;
    let most = -1;
    for (const node of nodes) {
      const size = Math.abs(this.#bitsOf(node) ?? NaN);
      if (size > most) [strongest, most] = [node, size];
    }
    return strongest;
  }

  #shown(nodes: readonly Node[], depth: number): readonly SourceShown[] {
    const strongest = this.#strongest(nodes);
    return nodes.flatMap(node => {
      const bits = this.#bitsOf(node);
      const left = this.#finerOf(node).filter(({ result }) => !result);
      const [part] = left;
      const shown: SourceShown = {
        ...node.source.span,
        key: node.key,
        level: node.level,
        depth,
        firstLine: node.firstLine,
        lastLine: node.lastLine,
        text: node.text,
        name: node.name,
        bits,
        klBits: node.result?.without.klBits,
        isNoise: bits !== undefined && Math.abs(bits) <= this.#explaining.target.noise.bits,
        isStrongest: node === strongest && nodes.length > 1 && nodes.every(({ result }) => result),
        finer: part && { level: part.level, cost: this.#costOf(this.#tokensFor(left)) },
      };
      return [shown, ...this.#shown(opened(node), depth + 1)];
    });
  }

  #selectedState(): SelectedSource | undefined {
    const node = this.#selected === undefined ? undefined : this.#node(this.#selected);
    if (!node?.result) return undefined;
    const { chosen, target } = this.#explaining;
    const { whole, without } = node.result;
    return {
      key: node.key,
      whole: listedTokens(target.vocabulary, whole.topIds, whole.topLogProbabilities),
      without: listedTokens(target.vocabulary, without.topIds, without.topLogProbabilities),
      wholeBits: bitsOf(whole, chosen),
      withoutBits: bitsOf(without, chosen),
    };
  }

  #node(key: unknown): Node | undefined {
    if (typeof key !== 'string') return undefined;
    const find = (nodes: readonly Node[]): Node | undefined => {
      for (const node of nodes) {
        const found = node.key === key ? node : find(opened(node));
        if (found) return found;
      }
      return undefined;
    };
    return find(this.#blocks);
  }
}

function holds({ source }: Pick<Node, 'source'>, offset: number | undefined): boolean {
  return offset !== undefined && source.span.start <= offset && offset < source.span.end;
}

/** UTF-16 offsets. */
function lineStartsOf(text: string): readonly number[] {
  return [0, ...Array.from(text.matchAll(/\r\n?|\n/g), ({ 0: lineBreak, index }) => index + lineBreak.length)];
}

/** From 1. */
function lineNumberAt(lineStarts: readonly number[], offset: number): number {
  return firstWhere(lineStarts.length, line => (lineStarts[line] ?? 0) > offset);
}

/** Parts that have numbers, and of which no part has any. */
function finest(nodes: readonly Node[]): Node[] {
  return nodes.flatMap(node => {
    const below = finest(opened(node));
    if (below.length > 0) return below;
    return node.result ? [node] : [];
  });
}

function opened({ isOpen, finer }: Node): readonly Node[] {
  return isOpen ? (finer ?? []) : [];
}
