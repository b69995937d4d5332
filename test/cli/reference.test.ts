import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TokenScore } from '../../src/core/scores';
import { bundledModel, Scratch, scoreJson, tinyModel, type ScoreOutput } from './run';

interface ReferenceText {
  readonly text: string;
  readonly startTokenId: number;
  readonly window: number | null;
  readonly stride: number | null;
  readonly tokens: readonly TokenScore[];
  readonly summary: {
    readonly tokens: number;
    readonly bytes: number;
    readonly totalBits: number;
    readonly bitsPerByte: number;
    readonly perplexity: number;
  };
}
type Reference = Readonly<Record<string, ReferenceText>>;

const tinyReference = readReference('tiny-gpt2');
const bundledReference = readReference('smollm2-135m-instruct');
/** In float32 arithmetic; the reference values have six decimals. */
const toleranceBits = 1e-3;

describe('command line against the reference values', () => {
  const scratch = new Scratch();
  after(() => {
    scratch.remove();
  });

  for (const [name, reference] of Object.entries(tinyReference)) {
    it(`tiny model, ${name}`, async () => {
      sameNumbers(await score(name, reference, tinyModel), reference);
    });
  }

  for (const [name, reference] of Object.entries(bundledReference)) {
    it(`bundled model in float32 arithmetic, ${name}`, async () => {
      const output = await score(name, reference, bundledModel, '--exact');
      sameNumbers(output, reference);
      assert.deepEqual([output.provenance.arithmetic, output.provenance.noiseFloorBits], ['float32', { mean: 0, p95: 0 }]);
    });
  }

  it('bundled model, every text: ids and places exactly, bits within the noise of its arithmetic', async () => {
    const differences: number[] = [];
    const pairs: (readonly [number, number])[] = [];
    for (const [name, reference] of Object.entries(bundledReference)) {
      const output = await score(name, reference, bundledModel);
      samePlaces(output, reference);
      assert.equal(output.windows, 1);
      output.tokens.forEach((token, index) => {
        const expected = at(reference.tokens, index);
        assert.equal(token.contextTokens, expected.contextTokens);
        differences.push(Math.abs(bitsOf(token) - bitsOf(expected)));
        pairs.push([bitsOf(token), bitsOf(expected)]);
      });
    }
    differences.sort((a, b) => a - b);
    const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
    assert.ok(mean <= 0.15, `mean difference ${String(mean)}`);
    assert.ok(at(differences, Math.floor(0.95 * differences.length)) <= 0.5, '95th percentile');
    assert.ok(correlation(pairs) >= 0.997, 'correlation');
  });

  async function score(name: string, reference: ReferenceText, model: string, ...more: readonly string[]): Promise<ScoreOutput> {
    const top = at(reference.tokens, 0).topIds.length;
    const windows =
      reference.window === null || reference.stride === null
        ? []
        : ['--context', String(reference.window), '--overlap', String(reference.window - reference.stride)];
    const output = await scoreJson([
      scratch.file(`${name}.txt`, reference.text),
      '--model',
      model,
      '--top',
      String(top),
      ...windows,
      ...more,
    ]);
    assert.equal(output.text, reference.text);
    assert.equal(output.startTokenId, reference.startTokenId);
    if (reference.window !== null) assert.deepEqual([output.window, output.stride], [reference.window, reference.stride]);
    return output;
  }
});

/** Every value to the tolerance; ranks equal, since no logits tie. */
function sameNumbers(output: ScoreOutput, reference: ReferenceText): void {
  samePlaces(output, reference);
  output.tokens.forEach((token, index) => {
    const expected = at(reference.tokens, index);
    const where = `token ${String(index)}`;
    near(token.surprisalBits, expected.surprisalBits, toleranceBits, `surprisal of ${where}`);
    near(token.entropyBits, expected.entropyBits, toleranceBits, `entropy of ${where}`);
    assert.equal(token.contextTokens, expected.contextTokens, `context of ${where}`);
    assert.equal(token.rank, expected.rank, `rank of ${where}`);
    sameAlternatives(token, expected, where);
  });
  for (const key of ['totalBits', 'perplexity', 'bitsPerByte'] as const) {
    const expected = reference.summary[key];
    near(output.summary[key], expected, 1e-3 * Math.max(1, expected), key);
  }
}

function samePlaces(output: ScoreOutput, reference: ReferenceText): void {
  const place = ({ id, startByte, endByte, start, end }: TokenScore) => ({ id, startByte, endByte, start, end });
  assert.deepEqual(output.tokens.map(place), reference.tokens.map(place));
  assert.deepEqual([output.summary.tokens, output.summary.bytes], [reference.summary.tokens, reference.summary.bytes]);
  assert.deepEqual(output.gaps, []);
}

/** The same ids, but for neighbours that the tolerance cannot tell apart. */
function sameAlternatives(token: TokenScore, expected: TokenScore, where: string): void {
  assert.equal(token.topIds.length, expected.topIds.length);
  token.topProbabilities.forEach((probability, index) => {
    nearProbability(probability, at(expected.topProbabilities, index), `alternative ${String(index)} of ${where}`);
    const place = expected.topIds.indexOf(at(token.topIds, index));
    const other = at(expected.topProbabilities, place < 0 ? expected.topProbabilities.length - 1 : place);
    nearProbability(probability, other, `order of the alternatives of ${where}`);
  });
}

/** Reference probabilities have eight decimals. */
function nearProbability(actual: number, expected: number, what: string): void {
  if (Math.abs(actual - expected) > 1e-8) near(-Math.log2(actual), -Math.log2(expected), 2 * toleranceBits, what);
}

function near(actual: number | null, expected: number | null, tolerance: number, what: string): void {
  assert.ok(
    actual !== null && expected !== null && Math.abs(actual - expected) <= tolerance,
    `${what}: ${String(actual)}, reference ${String(expected)}`,
  );
}

function bitsOf(token: TokenScore): number {
  assert.ok(token.surprisalBits !== null);
  return token.surprisalBits;
}

function correlation(pairs: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(pairs.map(([a]) => a)), mean(pairs.map(([, b]) => b))];
  const product = mean(pairs.map(([a, b]) => (a - meanA) * (b - meanB)));
  return product / Math.sqrt(mean(pairs.map(([a]) => (a - meanA) ** 2)) * mean(pairs.map(([, b]) => (b - meanB) ** 2)));
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`There is no entry ${String(index)} of ${String(values.length)}.`);
  return value;
}

function readReference(name: string): Reference {
  return JSON.parse(readFileSync(`test/reference/${name}.json`, 'utf8')) as Reference;
}
