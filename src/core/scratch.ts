/** A continuation that is tried out token by token, with all its branches; plain data, so that it can be kept as JSON. Nothing here is ever changed. */
import type { Vocabulary } from './vocabulary';

export interface ScratchToken {
  readonly id: number;
  readonly rawBits: number;
  /** After sampling; null: the rules had cut it, and it was chosen all the same. */
  readonly sampledBits: number | null;
}

export interface ScratchNode extends ScratchToken {
  /** Index of the node before; null for a first token. Always less than its own. */
  readonly parent: number | null;
}

export interface Scratch {
  /** Branches that were left stay. No two of the same parent have the same id. */
  readonly nodes: readonly ScratchNode[];
  /** Index of the last token of the continuation as it stands; null: nothing yet. */
  readonly at: number | null;
}

export const emptyScratch: Scratch = { nodes: [], at: null };

/** One token more; where that branch is there already it is followed, and holds the newer numbers. */
export function stepped({ nodes, at }: Scratch, { id, rawBits, sampledBits }: ScratchToken): Scratch {
  const node: ScratchNode = { id, rawBits, sampledBits, parent: at };
  const known = nodes.findIndex(other => other.parent === at && other.id === id);
  return known < 0 ? { nodes: [...nodes, node], at: nodes.length } : { nodes: nodes.with(known, node), at: known };
}

/** Without its last `count` tokens; they stay as a branch. */
export function steppedBack({ nodes, at }: Scratch, count = 1): Scratch {
  let before = at;
  for (let left = count; left > 0 && before !== null; left--) before = nodes[before]?.parent ?? null;
  return { nodes, at: before };
}

/** As it stood, or would stand, with this node last; null: nothing yet. Throws a RangeError where there is none. */
export function movedTo({ nodes }: Scratch, at: number | null): Scratch {
  if (at !== null && !nodes[at]) throw new RangeError(`There is no node ${at}.`);
  return { nodes, at };
}

/** Indices of the nodes from a first token to this one; that of where it stands by default. */
export function pathTo(scratch: Scratch, node = scratch.at): number[] {
  const path: number[] = [];
  for (let at = node; at !== null; at = scratch.nodes[at]?.parent ?? null) path.push(at);
  return path.reverse();
}

/** The tokens from the first to this node; to where it stands by default. */
export function idsTo(scratch: Scratch, node = scratch.at): number[] {
  return pathTo(scratch, node).map(index => scratch.nodes[index]?.id ?? -1);
}

/** What was tried after a node, in the order of trying; null: as first tokens. */
export function branchesAfter({ nodes }: Scratch, node: number | null): number[] {
  return nodes.flatMap(({ parent }, index) => (parent === node ? [index] : []));
}

export interface ScratchTotals {
  readonly tokens: number;
  readonly rawBits: number;
  /** Null where one of the tokens could not have been drawn. */
  readonly sampledBits: number | null;
}

/** Of all tokens from the first to this one. */
export function totalsTo(scratch: Scratch, node = scratch.at): ScratchTotals {
  let totals: ScratchTotals = { tokens: 0, rawBits: 0, sampledBits: 0 };
  for (const index of pathTo(scratch, node)) {
    const { rawBits = NaN, sampledBits = null } = scratch.nodes[index] ?? {};
    totals = {
      tokens: totals.tokens + 1,
      rawBits: totals.rawBits + rawBits,
      sampledBits: totals.sampledBits === null || sampledBits === null ? null : totals.sampledBits + sampledBits,
    };
  }
  return totals;
}

/** Without a node and all that was tried after it; if it stood there, it stands before the node now. */
export function withoutBranch({ nodes, at }: Scratch, node: number): Scratch {
  const newIndices = new Map<number | null, number | null>([[null, null]]);
  const kept: ScratchNode[] = [];
  for (const [index, old] of nodes.entries()) {
    const parent = newIndices.get(old.parent);
    if (index === node || parent === undefined) continue;
    newIndices.set(index, kept.length);
    kept.push({ ...old, parent });
  }
  const place = newIndices.get(at) ?? newIndices.get(nodes[node]?.parent ?? null) ?? null;
  return { nodes: kept, at: place };
}

/** What was kept as JSON; undefined where it is not a scratch continuation, or not a whole one, or longer than `mostNodes`. */
export function scratchFrom(value: unknown, mostNodes = Infinity): Scratch | undefined {
  const { nodes, at } = (value ?? {}) as Partial<Record<keyof Scratch, unknown>>;
  if (!Array.isArray(nodes) || nodes.length > mostNodes) return undefined;
  const isPlace = (place: unknown, below: number): place is number | null =>
    place === null || (Number.isInteger(place) && Number(place) >= 0 && Number(place) < below);
  const seen = new Set<string>();
  const read: ScratchNode[] = [];
  for (const entry of nodes as readonly unknown[]) {
    const { id, rawBits, sampledBits, parent } = (entry ?? {}) as Partial<Record<keyof ScratchNode, unknown>>;
    if (!Number.isInteger(id) || Number(id) < 0 || typeof id !== 'number' || typeof rawBits !== 'number') return undefined;
    if ((sampledBits !== null && typeof sampledBits !== 'number') || !isPlace(parent, read.length)) return undefined;
    const place = `${String(parent)} ${String(id)}`;
    if (seen.has(place)) return undefined;
    seen.add(place);
    read.push({ id, rawBits, sampledBits, parent });
  }
  return isPlace(at, read.length) ? { nodes: read, at } : undefined;
}

export interface TokensAsText {
  readonly text: string;
  /** They are no text. */
  readonly controlTokens: number;
  /** Of the tokens' bytes, those that are not whole characters: left out. */
  readonly bytesLeftOut: number;
}

/** Tokens as text that can be put into a document. */
export function textOfTokens(ids: readonly number[], vocabulary: Vocabulary): TokensAsText {
  const isControl = (id: number) => vocabulary.controlNameOf(id) !== undefined;
  const bytes = Uint8Array.from(ids.flatMap(id => (isControl(id) ? [] : [...vocabulary.bytesOf(id)])));
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let bytesLeftOut = 0;
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at, strict);
    text += character?.text ?? '';
    at += character?.length ?? 1;
    if (!character) bytesLeftOut++;
  }
  return { text, controlTokens: ids.filter(isControl).length, bytesLeftOut };
}

function characterAt(bytes: Uint8Array, at: number, strict: TextDecoder): { readonly text: string; readonly length: number } | undefined {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  try {
    return { text: strict.decode(bytes.subarray(at, at + length)), length };
  } catch {
    return undefined; // not a character, or not the whole of it
  }
}
