import assert from 'node:assert/strict';
import { linkCostTokens, linksBetween, linkUnits } from '../../src/core/links';
import type { UnitEffects } from '../../src/core/links';
import { textUnitsIn } from '../../src/core/textUnits';

/** A table of these tokens, which make the text. */
function tableOf(tokens: readonly string[]) {
  let end = 0;
  const ends = Uint32Array.from(tokens, token => (end += token.length));
  return {
    length: tokens.length,
    ends,
    starts: Uint32Array.from(ends, (each, row) => each - (tokens[row]?.length ?? 0)),
    text: tokens.join(''),
  };
}

function unitsOf(tokens: readonly string[], selected: string, scale: 'word' | 'line' = 'word') {
  const table = tableOf(tokens);
  const start = table.text.indexOf(selected);
  const units = linkUnits(table, textUnitsIn(table.text, { start, end: start + selected.length }, scale));
  return units.map(({ rows, span }) => [table.text.slice(span.start, span.end), tokens.slice(rows.first, rows.end).join('')]);
}

describe('units of a map', () => {
  it('have every token that shows something of them, and no other', () => {
    assert.deepEqual(unitsOf(['An', 'na', ' saw', ' the', ' har', 'bour', '.'], 'na saw the har'), [
      ['Anna', 'Anna'],
      ['saw', ' saw'],
      ['the', ' the'],
      ['harbour', ' harbour'],
    ]);
    assert.deepEqual(unitsOf(['let', ' a', ' =', '\n', '\n', '  ', 'b', ';'], 'let a =\n\n  b;', 'line'), [
      ['let a =', 'let a ='],
      ['b;', 'b;'],
    ]);
  });

  it('are one where a token belongs to both', () => {
    assert.deepEqual(unitsOf(['say', ' don', '."', ' Yes', '!)'], 'say don." Yes!)').slice(1), [
      ['don', ' don'],
      ['."', '."'],
      ['Yes', ' Yes'],
      ['!)', '!)'],
    ]);
    assert.deepEqual(unitsOf(['path', '.join', '(', 'x'], 'path.join(x'), [
      ['path', 'path'],
      ['.join', '.join'],
      ['(', '('],
      ['x', 'x'],
    ]);
  });
});

const units = linkUnits(tableOf(['a', ' b', 'b', ' c', ' d']), [
  { start: 0, end: 1 },
  { start: 2, end: 4 },
  { start: 5, end: 6 },
  { start: 7, end: 8 },
]);
const effects = (first: number, withoutBits: readonly number[]): UnitEffects => ({
  first,
  end: first + withoutBits.length,
  surprisalBits: withoutBits.map(() => 1),
  withoutBits,
});

describe('links of a map', () => {
  it('are sums over the later unit, strongest first, with their sign; what is no larger than noise grows with the tokens', () => {
    const known = [effects(1, [3, 2, 0.5, 1.1]), undefined, effects(4, [5])];
    assert.deepEqual(
      linksBetween(units, from => known[from], 0.3).map(({ from, to, bits, isNoise }) => [from, to, Number(bits.toFixed(3)), isNoise]),
      [
        [2, 3, 4, false],
        [0, 1, 3, false],
        [0, 2, -0.5, false],
        [0, 3, 0.1, true],
      ],
    );
    const [two] = linksBetween(units.slice(0, 2), () => effects(1, [1.2, 1.2]), 0.3);
    assert.ok(two?.isNoise, '0.4 bit of two tokens, each with 0.3 bit of noise');
  });

  it('do not go where a token of the later unit has no number', () => {
    const known = [effects(1, [3, NaN, 0.5]), effects(3, [2])];
    assert.deepEqual(
      linksBetween(units, from => known[from], 0).map(({ from, to }) => [from, to]),
      [
        [1, 2],
        [0, 2],
      ],
    );
  });

  it('cost a pass from each unit to the end', () => {
    assert.equal(linkCostTokens(units.slice(0, -1), 5), 5 + 4 + 2);
    assert.equal(linkCostTokens([], 5), 0);
  });
});
