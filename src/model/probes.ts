import { Tensor } from 'onnxruntime-common';
import { logProbabilitiesOf, topIds } from '../core/reduce';
import { windowStart } from './words';
import type { TextContext } from './context';
import { ModelError } from './errors';
import type { BranchedCache, KeyValueCache } from './kvCache';
import type { Model } from './model';
import { probeInputs, probeOutputs } from './probeGraph';
import type {
  AttentionParams,
  AttentionResult,
  LayersParams,
  LayersResult,
  SwitchedOff,
  SwitchOffParams,
  SwitchOffResult,
} from './probeProtocol';
import type { ProbeSession } from './probeSessions';
import type { ScoringSession, Values } from './session';
import { noSets } from './tokenSets';

/** Of one answer: 68 rows of the bundled model over 1,024 keys, which are 75 MB for its nine heads. */
const mostRowsLayersKeys = 2 ** 21;

/** How much each head looks at each input before the rows asked for. */
export async function attention(context: TextContext, model: Model, { rows }: AttentionParams): Promise<AttentionResult> {
  const { engine, prefixIds, settings, signal } = context.scoring;
  const { first, end } = rows;
  const { contextFirst } = targetOf(context, first);
  const { inputs, contextFirst: lastContextFirst } = targetOf(context, end - 1);
  if (!(first < end)) throw new ModelError('bad-argument', 'No rows are asked for.');
  if (contextFirst !== lastContextFirst) {
    throw new ModelError('bad-argument', `The rows lie in several windows of ${String(settings.contextTokens)} tokens.`);
  }
  const keys = inputs.length;
  /** The input that predicts a row. */
  const queryOf = (row: number) => prefixIds.length + row - contextFirst - 1;
  if (keys === 0) throw nothingBefore();
  return model.probes.use('attention', engine.arithmetic, signal, async ({ session, layers }) => {
    const count = end - first;
    if (count * layers * keys > mostRowsLayersKeys)
      throw new ModelError('bad-argument', 'Attention of so many rows at a time is too much.');
    const { fed, from, past } = await fedTo(context, session, inputs, Math.max(0, queryOf(first)));
    const names = Array.from({ length: layers }, (_, layer) => probeOutputs.attentionOf(layer));
    const given = await session.values(fed, past, names);
    const heads = given[0]?.dims.at(-3) ?? 0;
    const total = from + fed.length;
    if (!given.every(({ data, dims }) => dims.at(-1) === total && data.length === heads * fed.length * total)) {
      throw new ModelError('unsupported', 'This cannot be seen in the model: its attention has another shape than heads, ids and keys.');
    }
    const weights = new Float32Array(count * layers * heads * keys);
    for (let row = first; row < end; row++) {
      const query = queryOf(row);
      for (const [layer, { data }] of given.entries()) {
        for (let head = 0; head < heads; head++) {
          const at = (((row - first) * layers + layer) * heads + head) * keys;
          if (query < 0) weights.fill(NaN, at, at + keys);
          else {
            // What the runtime writes after the query is not defined.
            const start = (head * fed.length + query - from) * total;
            weights.set(data.subarray(start, start + query + 1), at);
          }
        }
      }
    }
    return { layers, heads, prefixTokens: prefixIds.length, contextFirst, keys, weights };
  });
}

/** The window of a row up to the row, its predictions, and what is written after it, without some of the model's parts. */
export async function switchOff(context: TextContext, model: Model, params: SwitchOffParams): Promise<SwitchOffResult> {
  const { engine, prefixIds, signal } = context.scoring;
  const { row, ids, topCount, off, writtenTokens } = params;
  refuseUnknown(params, model);
  if (!(Number.isSafeInteger(writtenTokens) && writtenTokens >= 0)) {
    throw new ModelError('bad-argument', 'Tokens to be written are counted with whole numbers.');
  }
  const { inputs, contextFirst } = targetOf(context, row);
  if (inputs.length === 0) throw nothingBefore();
  return model.probes.use('switches', engine.arithmetic, signal, async probe => {
    const { layers, heads, session } = probe;
    const switches = new Tensor('float32', switchesFor(off, probe), [layers, heads]);
    // Fresh for each answer: what it keeps holds for these switches only.
    const without = engine.through(session.feeding({ [probeInputs.switches]: switches }), inputs.length + writtenTokens);
    const surprisalBits = new Float64Array(row - contextFirst).fill(NaN);
    if (row > contextFirst) {
      const window = { start: contextFirst, end: row, scoreFrom: contextFirst };
      const queued = { window, first: contextFirst, end: row, isNear: true };
      await without.score(prefixIds, context.text.ids, queued, { topCount: 1, sets: noSets }, signal, always, rows => {
        surprisalBits.set(rows.surprisalBits, rows.first - contextFirst);
      });
    }
    const after = await without.distributionAfter(inputs, signal);
    const writtenIds: number[] = [];
    let next = after;
    // No further than the model has positions.
    while (writtenIds.length < writtenTokens && inputs.length + writtenIds.length < engine.facts.positions) {
      writtenIds.push(topIds(next, 1)[0] ?? 0);
      if (writtenIds.length === writtenTokens) break;
      next = await without.distributionAfter([...inputs, ...writtenIds], signal);
    }
    const { bits, tops, topLogs } = predictionsOf([after], ids, topCount);
    return {
      layers,
      heads,
      contextFirst,
      surprisalBits,
      targetBits: bits,
      topIds: tops,
      topLogProbabilities: topLogs,
      writtenIds: Int32Array.from(writtenIds),
      tokensRun: without.tokensRun,
    };
  });
}

/** What the final norm and the vocabulary projection make of the residual stream after each layer. */
export async function layers(context: TextContext, model: Model, params: LayersParams): Promise<LayersResult> {
  const { engine, signal } = context.scoring;
  const { row, ids, topCount } = params;
  refuseUnknown(params, model);
  const { inputs } = targetOf(context, row);
  if (inputs.length === 0) throw nothingBefore();
  return model.probes.use('layers', engine.arithmetic, signal, async probe => {
    const { fed, from, past } = await fedTo(context, probe.session, inputs, inputs.length - 1);
    const last = new Tensor('int64', BigInt64Array.of(BigInt(inputs.length - 1 - from)), [1]);
    const [logits] = await probe.session.feeding({ [probeInputs.row]: last }).values(fed, past, [probeOutputs.layerLogits]);
    const rows = logits ? rowsOf(logits) : [];
    if (rows.length !== probe.layers + 1)
      throw new ModelError('unsupported', 'This cannot be seen in the model: its layers have another shape.');
    const { bits, tops, topLogs } = predictionsOf(
      rows.map(layer => logProbabilitiesOf(layer).logProbabilities),
      ids,
      topCount,
    );
    const ranks = Int32Array.from(rows.flatMap(layer => ids.map(id => rankOf(layer, id))));
    return { layers: probe.layers, surprisalBits: bits, ranks, topIds: tops, topLogProbabilities: topLogs };
  });
}

/** What stands before a row in its window. */
function targetOf(
  { scoring: { prefixIds, settings }, text }: TextContext,
  row: number,
): { readonly inputs: readonly number[]; readonly contextFirst: number } {
  if (!(Number.isSafeInteger(row) && row >= 0 && row <= text.length))
    throw new ModelError('bad-argument', 'The row lies outside of the text.');
  const contextFirst = windowStart(text, row, settings);
  return { inputs: [...prefixIds, ...text.ids.subarray(contextFirst, row)], contextFirst };
}

function nothingBefore(): ModelError {
  return new ModelError('bad-argument', 'There is nothing before this place, and no start token: the model has nothing to predict from.');
}

function refuseUnknown({ ids, topCount }: LayersParams, model: Model): void {
  const size = model.facts.tokenizer.vocabulary.offsets.length - 1;
  if (!ids.every(id => Number.isInteger(id) && id >= 0 && id < size)) {
    throw new ModelError('bad-argument', 'Probabilities are asked for of ids that are none of the vocabulary.');
  }
  if (!(Number.isSafeInteger(topCount) && topCount >= 0))
    throw new ModelError('bad-argument', 'Alternatives are counted with whole numbers.');
}

/**
 * The inputs for a call from input `first` on, at least two of them (a lone one gets a companion after it), the input they begin with, and the cache
 * of those before: of the ordinary engine, so that the changed graph runs a few inputs only.
 */
async function fedTo(
  { scoring: { engine, signal } }: TextContext,
  session: ScoringSession,
  inputs: readonly number[],
  first: number,
): Promise<{ readonly fed: readonly number[]; readonly from: number; readonly past: KeyValueCache | BranchedCache }> {
  const from = Math.max(0, Math.min(first, inputs.length - 2));
  const rest = inputs.slice(from);
  const fed = rest.length === 1 ? [...rest, ...rest] : rest;
  if (from === 0) return { fed, from, past: session.emptyCache };
  const { branches } = await engine.branch(inputs.slice(0, from), { copies: 1, mostPositions: from, reuses: true }, signal);
  return { fed, from, past: branches };
}

function switchesFor(off: SwitchedOff, { layers, heads }: ProbeSession): Float32Array {
  const switches = new Float32Array(layers * heads).fill(1);
  if (off.kind === 'none') return switches;
  if (off.kind === 'all') return switches.fill(0);
  const isWithin = (index: number, count: number) => Number.isInteger(index) && index >= 0 && index < count;
  if (!isWithin(off.layer, layers)) throw new ModelError('bad-argument', `The model has ${String(layers)} layers, counted from 0.`);
  const first = off.layer * heads;
  if (off.kind === 'layer') return switches.fill(0, first, first + heads);
  if (!isWithin(off.head, heads)) throw new ModelError('bad-argument', `A layer of the model has ${String(heads)} heads, counted from 0.`);
  return switches.fill(0, first + off.head, first + off.head + 1);
}

function rowsOf({ dims, data }: Values): readonly Float32Array[] {
  const size = dims.at(-1) ?? 0;
  return Array.from({ length: data.length / size }, (_, row) => data.subarray(row * size, (row + 1) * size));
}

/** Of rows of natural logarithms over the vocabulary, row after row. */
function predictionsOf(rows: readonly Float32Array[], ids: readonly number[], topCount: number) {
  const bits = new Float64Array(rows.length * ids.length);
  const tops = new Int32Array(rows.length * topCount).fill(-1);
  const topLogs = new Float32Array(tops.length).fill(NaN);
  for (const [row, logProbabilities] of rows.entries()) {
    if (Number.isNaN(logProbabilities[0])) throw new ModelError('unsupported', 'The model gives logits that are not numbers.');
    for (const [index, id] of ids.entries()) {
      const own = logProbabilities[id] ?? -Infinity;
      bits[row * ids.length + index] = Math.max(0, -own / Math.LN2);
    }
    for (const [place, id] of topCount > 0 ? topIds(logProbabilities, topCount).entries() : []) {
      tops[row * topCount + place] = id;
      topLogs[row * topCount + place] = logProbabilities[id] ?? NaN;
    }
  }
  return { bits, tops, topLogs };
}

/** Of logits: logarithms of probabilities may round to ties. */
function rankOf(logits: Float32Array, id: number): number {
  const own = logits[id] ?? -Infinity;
  return 1 + logits.reduce((higher, other) => (other > own ? higher + 1 : higher), 0);
}

function always(): boolean {
  return true;
}
