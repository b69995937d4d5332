import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  comparedShares,
  containsWord,
  futureText,
  futureTree,
  nextTokenShares,
  packed,
  rewardsOf,
  reweighted,
  shareOf,
  unpacked,
  wordShare,
} from '../../src/core/futures';
import type { CaseRule, Continuation, FutureNode, FutureText, RewardRule } from '../../src/core/futures';
import { SeededRandom } from '../../src/core/seededRandom';
import { Vocabulary } from '../../src/core/vocabulary';

const end = 0;
/** Token 0 ends a text; then words, and the two halves of an "é". */
const tokens: readonly (string | readonly number[])[] = [
  '',
  ' the',
  ' boat',
  's',
  ' came',
  '.',
  ' Boat',
  [0x20, 0x63, 0x61, 0x66, 0xc3],
  [0xa9],
  ' 茶',
  '馆',
];

const vocabulary = vocabularyOf(tokens);

function vocabularyOf(entries: typeof tokens): Vocabulary {
  const pieces = entries.map(entry => (typeof entry === 'string' ? Buffer.from(entry) : Buffer.from(entry)));
  const offsets = new Uint32Array(pieces.length + 1);
  for (const [index, piece] of pieces.entries()) offsets[index + 1] = (offsets[index] ?? 0) + piece.length;
  return new Vocabulary({ bytes: Buffer.concat(pieces), offsets, controlNames: { [end]: '<|endoftext|>' } });
}

/** Each token's logarithm depends on those before it alone, as a model's does. */
function continuation(...ids: readonly number[]): Continuation {
  const logs = ids.map((_, place) => -(ids.slice(0, place + 1).reduce((sum, id) => (sum * 7 + id + 1) % 23, 3) + 1) / 8);
  return {
    ids: Int32Array.from(ids),
    logProbabilities: Float64Array.from(logs),
    sampledLogProbabilities: Float64Array.from(logs, log => log / 2),
    ended: ids.at(-1) === end ? 'control' : 'length',
  };
}

function randomContinuations(seed: number, count: number): Continuation[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => {
    const ids: number[] = [];
    while (ids.length < 6 && ids.at(-1) !== end) ids.push(random.next32() % 4);
    return continuation(...ids);
  });
}

describe('continuations in few arrays', () => {
  it('are what they were after being packed into few arrays', () => {
    for (const count of [0, 1, 40]) {
      const continuations = randomContinuations(count + 5, count);
      const few = packed(continuations);
      assert.deepEqual(unpacked(few), continuations);
      const arrays: readonly ArrayBufferView[] = [
        few.lengths,
        few.endedByControl,
        few.ids,
        few.logProbabilities,
        few.sampledLogProbabilities,
      ];
      assert.ok(arrays.every(array => array.byteLength === array.buffer.byteLength));
    }
  });
});

describe('continuations merged into a tree', () => {
  it('share what they begin with, the most frequent first', () => {
    const tree = futureTree([continuation(2, 3), continuation(1, 2), continuation(1, 4, 0), continuation(1, 2), continuation(3)]);
    const shown = (nodes: readonly FutureNode[]): unknown => nodes.map(({ id, members, ends, next }) => [id, members, ends, shown(next)]);
    assert.deepEqual(shown(tree), [
      [
        1,
        [1, 2, 3],
        0,
        [
          [2, [1, 3], 2, []],
          [4, [2], 0, [[0, [2], 1, []]]],
        ],
      ],
      [2, [0], 0, [[3, [0], 1, []]]],
      [3, [4], 1, []],
    ]);
    const [first] = tree;
    assert.equal(first?.rawBits, -(continuation(1).logProbabilities[0] ?? NaN) / Math.LN2);
    assert.equal(first.sampledBits, first.rawBits / 2);
    assert.deepEqual(futureTree([]), []);
  });

  it('add up: a node has those that end with it and those that go on, and every path its own bits', () => {
    for (let seed = 0; seed < 20; seed++) {
      const continuations = randomContinuations(seed, 40);
      let ended = 0;
      const check = (nodes: readonly FutureNode[], path: readonly number[], through: readonly number[]) => {
        assert.deepEqual(
          nodes.flatMap(({ members }) => members).sort((a, b) => a - b),
          through,
        );
        for (const [index, { id, members, ends, next, rawBits }] of nodes.entries()) {
          const ids = [...path, id];
          assert.deepEqual(
            members,
            continuations.flatMap(({ ids: own }, member) => (ids.every((each, place) => own[place] === each) ? [member] : [])),
          );
          const before = nodes[index - 1];
          assert.ok(!before || before.members.length > members.length || (before.members.length === members.length && before.id < id));
          for (const member of members) {
            assert.equal(rawBits, -(continuations[member]?.logProbabilities[path.length] ?? NaN) / Math.LN2);
          }
          const goOn = members.filter(member => (continuations[member]?.ids.length ?? 0) > ids.length);
          assert.equal(ends + goOn.length, members.length);
          ended += ends;
          check(next, ids, goOn);
        }
      };
      check(
        futureTree(continuations),
        [],
        continuations.map((_, index) => index),
      );
      assert.equal(ended, continuations.length);
    }
  });
});

function textOf(text: string, before = '', asked = text.length): FutureText {
  return { text: before + text, start: before.length, end: before.length + asked };
}

describe('the text of a continuation', () => {
  it('is its bytes as characters, after the end of the document, without control tokens', () => {
    const text = futureText(continuation(1, 7, 8, 5, end), 5, vocabulary, 'All at sea');
    assert.deepEqual(text, textOf(' the café.', 'All at sea'));
    // Asked about in the middle of a character: it is not there yet.
    assert.equal(futureText(continuation(1, 7, 8, 5), 2, vocabulary, '').end, ' the caf'.length);
    assert.equal(futureText(continuation(1, 7), 2, vocabulary, '').text, ' the caf\ufffd');
    const long = futureText(continuation(1), 1, vocabulary, `${'x'.repeat(99)}🙂`);
    assert.equal(long.text.slice(long.start, long.end), ' the');
    assert.ok(long.text.isWellFormed() && long.start <= 100);
  });
});

const wordCases: readonly (readonly [name: string, text: FutureText, word: string, caseRule: CaseRule, found: boolean])[] = [
  ['a word', textOf(' the boat came'), 'boat', 'exact', true],
  ['not a piece of one', textOf(' the boats came'), 'boat', 'exact', false],
  ['whole after a piece', textOf(' the boats and the boat'), 'boat', 'exact', true],
  ['at the end', textOf(' the boat'), 'boat', 'exact', true],
  ['before a full stop', textOf(' the boat.'), 'boat', 'exact', true],
  ['not with another case', textOf(' The Boat came'), 'boat', 'exact', false],
  ['with any case', textOf(' The Boat came'), 'boat', 'ignored', true],
  ['with any case, in Greek', textOf(' ΘΆΛΑΣΣΑ '), 'θάλασσα', 'ignored', true],
  ['letters with marks go on', textOf(' cafés'), 'caf', 'exact', false],
  ['combining marks go on', textOf(' cafe\u0301 noir'), 'cafe', 'exact', false],
  ['underscores go on', textOf(' boat_name'), 'boat', 'exact', false],
  ['a dot does not', textOf(' path.join(a)'), 'join', 'exact', true],
  ['an apostrophe goes on', textOf(" don't"), 'don', 'exact', false],
  ['Chinese, by its words', textOf('我喜欢喝茶。'), '喜欢', 'exact', true],
  ['Chinese, not across its words', textOf('我喜欢喝茶。'), '欢喝', 'exact', false],
  ['several words', textOf(' the old boat came'), 'old boat', 'exact', true],
  ['signs', textOf(' if (a && b)'), '&&', 'exact', true],
  ['signs that mean something elsewhere', textOf(' f(x).y'), '(x).', 'exact', true],
  ['a sign for any character', textOf(' boat'), 'b..t', 'exact', false],
  ['going on from the document', textOf('s came', 'the boat'), 's', 'exact', false],
  ['not in the document', textOf(' came', 'the boat'), 'boat', 'exact', false],
  ['the first thing of all', textOf('boat'), 'boat', 'exact', true],
  ['beyond what is asked about', textOf(' the boat came', '', 6), 'boat', 'exact', false],
  ['at the end of what is asked about', textOf(' the boat came', '', 9), 'boat', 'exact', true],
  ['going on beyond it', textOf(' the boats came', '', 9), 'boat', 'exact', false],
  ['nothing', textOf(' the boat came'), '', 'exact', false],
  ['overlapping itself', textOf('xha ha ha'), 'ha ha', 'exact', true],
];

describe('a word in a continuation', () => {
  for (const [name, text, word, caseRule, found] of wordCases) {
    it(`${name}: ${String(found)}`, () => assert.equal(containsWord(text, word, caseRule), found));
  }

  it('is counted once for each', () => {
    const texts = [continuation(1, 2, 4), continuation(1, 2, 3), continuation(6, 5), continuation(2, 2)].map(each =>
      futureText(each, 3, vocabulary, ''),
    );
    assert.deepEqual(wordShare(texts, 'boat', 'exact'), shareOf(2, 4));
    assert.deepEqual(wordShare(texts, 'boat', 'ignored'), shareOf(3, 4));
    assert.deepEqual(wordShare([], 'boat', 'exact'), { count: 0, trials: 0, share: undefined, low: 0, high: 1 });
  });
});

interface ShareTable {
  readonly shares: readonly { readonly count: number; readonly trials: number; readonly low: number; readonly high: number }[];
  readonly differences: readonly {
    readonly a: readonly [count: number, trials: number];
    readonly b: readonly [count: number, trials: number];
    readonly low: number;
    readonly high: number;
  }[];
}

describe('intervals of shares, against statsmodels', () => {
  const table = JSON.parse(readFileSync('test/reference/shares.json', 'utf8')) as ShareTable;
  const near = (actual: number, expected: number) => {
    assert.ok(Math.abs(actual - expected) < 1e-12, `${String(actual)} instead of ${String(expected)}`);
  };

  it('of one', () => {
    assert.ok(table.shares.length > 50);
    for (const { count, trials, low, high } of table.shares) {
      const share = shareOf(count, trials);
      near(share.low, low);
      near(share.high, high);
      assert.equal(share.share, count / trials);
      assert.ok(share.low <= count / trials && count / trials <= share.high && share.low >= 0 && share.high <= 1);
    }
  });

  it('of the difference of two', () => {
    assert.ok(table.differences.length >= 100);
    for (const { a, b, low, high } of table.differences) {
      const compared = comparedShares(shareOf(...a), shareOf(...b));
      near(compared.low, low);
      near(compared.high, high);
      assert.equal(compared.difference, b[0] / b[1] - a[0] / a[1]);
    }
    const { difference, low, high } = comparedShares(shareOf(1, 2), shareOf(0, 0));
    assert.deepEqual([difference, low, high], [undefined, -1, 1]);
  });
});

describe('rewarding whole answers', () => {
  const continuations = randomContinuations(5, 60);
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const nearly = (actual: number, expected: number, tolerance = 1e-12) => {
    assert.ok(Math.abs(actual - expected) < tolerance, `${String(actual)} instead of ${String(expected)}`);
  };

  it('changes nothing where all marks are equal', () => {
    for (const reward of [-1, 0, 1, 1e6]) {
      const { weights, effectiveCount } = reweighted(
        continuations.map(() => reward),
        0.1,
      );
      nearly(effectiveCount, continuations.length, 1e-9);
      for (const { before, after } of nextTokenShares(continuations, weights, 0)) nearly(after, before);
    }
  });

  it('gives the raw shares for a large beta, and the best alone for a small one', () => {
    const rewards = continuations.map((_, index) => (index % 3) - 1);
    for (const beta of [1e9, Infinity]) {
      const { weights, effectiveCount } = reweighted(rewards, beta);
      nearly(effectiveCount, continuations.length, 1e-6);
      for (const { before, after } of nextTokenShares(continuations, weights, 0)) nearly(after, before, 1e-8);
    }
    const { weights, effectiveCount } = reweighted(rewards, 1e-3);
    nearly(effectiveCount, 20, 1e-9);
    nearly(weights[2] ?? NaN, 1 / 20);
    assert.equal(weights[0], 0);
  });

  it('weighs by exp(reward / beta)', () => {
    const { weights, effectiveCount } = reweighted([1, 0, -1], 2);
    const raw = [Math.exp(0.5), 1, Math.exp(-0.5)];
    for (const [index, weight] of weights.entries()) nearly(weight, (raw[index] ?? NaN) / total(raw));
    nearly(effectiveCount, total(raw) ** 2 / total(raw.map(weight => weight ** 2)), 1e-9);
    assert.deepEqual(reweighted([], 1), { weights: [], effectiveCount: 0 });
    for (const beta of [0, -1, NaN]) assert.throws(() => reweighted([1], beta), RangeError);
    assert.throws(() => reweighted([NaN], 1), RangeError);
  });

  it('moves shares that sum to 1, at every place that is reached', () => {
    for (let seed = 0; seed < 10; seed++) {
      const some = randomContinuations(seed, 30);
      const random = new SeededRandom(seed);
      const { weights } = reweighted(
        some.map(() => (random.next32() % 3) - 1),
        0.5,
      );
      nearly(total([...weights]), 1);
      for (const place of [0, 1, 3]) {
        const shares = nextTokenShares(some, weights, place);
        nearly(total(shares.map(({ before }) => before)), 1);
        nearly(total(shares.map(({ after }) => after)), 1);
        const reached = some.filter(({ ids }) => ids.length > place);
        for (const { id, before } of shares) nearly(before, reached.filter(({ ids }) => ids[place] === id).length / reached.length);
      }
    }
    assert.deepEqual(nextTokenShares(continuations, [], 99), []);
  });

  const samples = [continuation(1, 2, 4), continuation(1, 6, 5), continuation(2, 3, end), continuation(4, end), continuation(9, 10)];
  const texts = samples.map(each => futureText(each, Infinity, vocabulary, 'Then'));
  const rules: readonly (readonly [RewardRule, readonly number[]])[] = [
    [{ kind: 'containsWord', word: 'boat', caseRule: 'ignored' }, [1, 1, -1, -1, -1]],
    [{ kind: 'containsWord', word: 'boat', caseRule: 'exact' }, [1, -1, -1, -1, -1]],
    [{ kind: 'shorterThan', tokens: 3 }, [-1, -1, 1, 1, 1]],
    [{ kind: 'shorterThan', tokens: 2 }, [-1, -1, -1, 1, -1]],
    [{ kind: 'endsInWord', words: ['boat', 'came', '茶馆'], caseRule: 'ignored' }, [1, 1, -1, 1, 1]],
    [{ kind: 'endsInWord', words: ['boat', 'boats'], caseRule: 'exact' }, [-1, -1, 1, -1, -1]],
    [{ kind: 'endsInWord', words: ['Then', ''], caseRule: 'exact' }, [-1, -1, -1, -1, -1]],
  ];
  for (const [rule, expected] of rules) {
    it(`by a rule: ${JSON.stringify(rule)}`, () => {
      assert.deepEqual(rewardsOf(samples, texts, new Map(), rule), expected);
      const [, second, ...others] = expected;
      const marks = new Map([
        [0, 'good'],
        [1, 'bad'],
      ] as const);
      assert.ok(second !== undefined);
      assert.deepEqual(rewardsOf(samples, texts, marks, rule), [1, -1, ...others]);
    });
  }

  it('by marks alone', () => {
    assert.deepEqual(rewardsOf(samples, texts, new Map([[3, 'good']]), undefined), [0, 0, 0, 1, 0]);
  });
});
