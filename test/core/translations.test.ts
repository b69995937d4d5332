import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

type Strings = Readonly<Record<string, string>>;

const read = (file: string): Strings => JSON.parse(readFileSync(file, 'utf8')) as Strings;

/** Words that German has taken over, and names. */
const sameInBoth = [
  'Code',
  'Ember',
  'Sampler',
  'Text',
  'Tide',
  'Token',
  'Token Lens',
  'Token Lens: {0}',
  'linear',
  'neutral',
  'neutral: {0}',
];

/** Sorted, since German may put them in another order. */
function found(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([whole]) => whole).sort();
}

for (const [english, german] of [
  ['l10n/bundle.l10n.json', 'l10n/bundle.l10n.de.json'],
  ['package.nls.json', 'package.nls.de.json'],
] as const) {
  describe(german, () => {
    const translated = read(german);
    const pairs = Object.entries(read(english)).map(([key, source]) => ({ key, source, target: translated[key] ?? '' }));

    it('leaves nothing in English but names', () => {
      const left = pairs.filter(({ source, target }) => source === target && /\p{L}/u.test(source.replaceAll(/\{\d+\}/g, '')));
      assert.deepEqual(
        left.map(({ source }) => source).filter(source => !sameInBoth.includes(source)),
        [],
      );
    });

    for (const [what, pattern] of [
      ['codicons', /\$\([^)]*\)/g],
      ['ids, languages and other quoted code', /`[^`]*`/g],
      ['places that links lead to', /(?<=\])\([^)]*\)/g],
    ] as const) {
      it(`has the same ${what}`, () => {
        const inKeys = (side: 'source' | 'target') => Object.fromEntries(pairs.map(pair => [pair.key, found(pair[side], pattern)]));
        assert.deepEqual(inKeys('target'), inKeys('source'));
      });
    }
  });
}
