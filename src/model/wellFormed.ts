/**
 * Whether what the model process says has the shape that the rest of the program builds on. It is our own process, but a native library runs in it: memory
 * that it has spoiled must not become colours.
 */
import type { Method, ModelEvent, Result } from './protocol';

type Fields = Readonly<Record<string, unknown>>;

export function isModelEvent(value: unknown): value is ModelEvent {
  const { kind, document, tableId, rows } = fieldsOf(value);
  if (typeof document !== 'string' || !isCount(tableId)) return false;
  return kind === 'layout' ? isLayout(value) : kind === 'rows' && isRows(rows);
}

/** What later calls stand on is looked at; other results are only told from none. */
export function isResultOf<M extends Method>(method: M, value: unknown): value is Result<M> {
  if (withoutResult.includes(method)) return value === null;
  if (method === 'load') return isDescription(fieldsOf(value));
  return method === 'score' ? isCount(fieldsOf(value)['tableId']) : isObject(value);
}

const withoutResult: readonly Method[] = ['open', 'change', 'close', 'show'];

function isDescription({ key, name, positions, startTokenId, vocabulary, selfCheck }: Fields): boolean {
  const { folder, contentHash, dtype } = fieldsOf(key);
  return (
    [name, folder, contentHash, dtype].every(part => typeof part === 'string') &&
    isCount(positions) &&
    (startTokenId === null || isCount(startTokenId)) &&
    isObject(vocabulary) &&
    isObject(selfCheck)
  );
}

function isLayout(value: unknown): boolean {
  const { version, carried, topCount, watchCount, watched, ids, starts, ends, startBytes, endBytes, gaps, window } = fieldsOf(value);
  const tokens = ids instanceof Int32Array ? ids.length : -1;
  return (
    [version, topCount, watchCount].every(isCount) &&
    [starts, ends, startBytes, endBytes].every(column => column instanceof Uint32Array && column.length === tokens) &&
    [carried, watched, gaps].every(Array.isArray) &&
    isObject(window)
  );
}

/** All of one length, or of a whole multiple where there is more than one number a row. Whether they fit the table is seen when they are written. */
function isRows(value: unknown): boolean {
  const { first, count, states, ...rows } = fieldsOf(value);
  if (!isCount(first) || !isCount(count)) return false;
  const { surprisalBits, entropyBits, ranks, contextTokens, wordStartLogMass, topIds, topLogProbabilities, watchLogMasses } = rows;
  return (
    isNumbers(states, Uint8Array, count) &&
    [surprisalBits, entropyBits].every(column => isNumbers(column, Float64Array, count)) &&
    [ranks, contextTokens].every(column => isNumbers(column, Int32Array, count)) &&
    isNumbers(wordStartLogMass, Float32Array, count) &&
    topIds instanceof Int32Array &&
    topLogProbabilities instanceof Float32Array &&
    watchLogMasses instanceof Float32Array &&
    topIds.length === topLogProbabilities.length &&
    [topIds, watchLogMasses].every(({ length }) => (count === 0 ? length === 0 : length % count === 0))
  );
}

function isNumbers(value: unknown, kind: new (length: number) => { readonly length: number }, length: number): boolean {
  return value instanceof kind && value.length === length;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? (value as Fields) : {};
}
