import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { outcomeOf, run, Scratch, scoreJson, start, tinyModel, type ScoreOutput } from './run';

const tiny = ['--model', tinyModel];

/** Minimal pairs: agreement, right and wrong, with different words. */
const subjects = ['The key', 'The boat', 'A gull', 'The harbour', 'My aunt', 'The mayor', 'Zoë', 'The 🦊', 'One of them', 'The folder'];
const middles = ['to the old doors', 'of the fishermen', 'near the cabinets', 'behind the ships'];
const pairs = subjects.flatMap(subject =>
  middles.map(middle => [`${subject} ${middle} is red.`, `${subject} ${middle} are red.`] as const),
);

describe('command line: for a study', () => {
  const scratch = new Scratch();
  after(() => {
    scratch.remove();
  });

  async function output(words: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await run(['score', ...words, ...tiny], input);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout;
  }
  type Line = ScoreOutput & { readonly item: string | number };
  const linesOf = (ndjson: string) =>
    ndjson
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Line);

  it('40 minimal pairs by --lines equal 80 single runs', async () => {
    const sentences = pairs.flat();
    assert.equal(sentences.length, 80);
    const together = linesOf(await output(['--lines', '--format', 'json', scratch.file('pairs.txt', `${sentences.join('\n')}\n`)]));
    assert.deepEqual(
      together.map(({ item }) => item),
      sentences.map((_, index) => index + 1),
    );
    const alone = async (index: number) => {
      const sentence = sentences[index] ?? '';
      const { item, ...line } = together[index] ?? assert.fail();
      assert.deepEqual(line, await scoreJson([scratch.file(`${String(item)}.txt`, sentence), ...tiny]), sentence);
    };
    // A few at a time: most of such a run is starting two processes.
    for (let first = 0; first < sentences.length; first += 4)
      await Promise.all([first, first + 1, first + 2, first + 3].map(index => alone(index)));
  });

  it('an empty line is an item without tokens; CRLF ends a line; what follows the last break is one only if there is something', async () => {
    const found = linesOf(await output(['--lines', '--format', 'json', '-'], '\ufeffone\r\n\r\n two\n\nthree'));
    assert.deepEqual(
      found.map(({ item, text, tokens }) => [item, text, tokens.length > 0]),
      [
        [1, '\ufeffone', true],
        [2, '', false],
        [3, ' two', true],
        [4, '', false],
        [5, 'three', true],
      ],
    );
    assert.equal(linesOf(await output(['--lines', '--format', 'json', '-'], 'one\n')).length, 1);
    assert.equal(await output(['--lines', '--format', 'json', '-'], ''), '');
  });

  it('several files are one object a line, the item as it was named; each as when it is alone', async () => {
    const files = [scratch.file('a.txt', 'The harbour\nwas quiet.'), scratch.file('b.txt', ''), scratch.file('c.md', 'Zoë 🦊')];
    const found = linesOf(await output(['--format', 'json', ...files]));
    assert.deepEqual(
      found.map(({ item }) => item),
      files,
    );
    for (const { item, ...alone } of found) assert.deepEqual(alone, await scoreJson([String(item), ...tiny]));
    const [first] = linesOf(await output(['--format', 'json', '--lines', ...files]));
    assert.equal(first?.item, `${files[0] ?? ''}:1`);
  });

  it('CSV has one header, and an item in each row', async () => {
    const files = [scratch.file('a.txt', 'one two'), scratch.file('b, "quoted".txt', 'three')];
    const [header, ...rows] = (await output(['--format', 'csv', ...files])).trimEnd().split('\n');
    assert.equal(
      header,
      'item,level,id,startByte,endByte,start,end,surprisalBits,entropyBits,rank,contextTokens,tokens,unscoredReason,text',
    );
    assert.ok(rows.length > 2 && rows.every(line => /^"[^\n]*\.txt","token",\d+,/.test(line)));
    assert.ok(rows.some(line => line.startsWith(`"${(files[1] ?? '').replaceAll('"', '""')}",`)));
  });

  it('words are sums of their tokens, in full precision, and every bit is in one row', async () => {
    const file = scratch.file('words.txt', 'The harbour was quiet, wasn’t it?\n\nZoë said so.');
    const tokens = await scoreJson([file, ...tiny]);
    for (const level of ['word', 'sentence']) {
      interface Units {
        readonly level: string;
        readonly rule: string;
        readonly units: readonly {
          readonly start: number;
          readonly end: number;
          readonly text: string;
          readonly surprisalBits: number | null;
        }[];
      }
      const { units, rule } = JSON.parse(await output(['--format', 'json', '--level', level, file])) as Units;
      assert.match(rule, /UAX #29/);
      for (const unit of units) assert.equal(tokens.text.slice(unit.start, unit.end), unit.text);
      const total = units.reduce((sum, unit) => sum + (unit.surprisalBits ?? 0), 0);
      assert.ok(Math.abs(total - tokens.summary.totalBits) < 1e-9);
      assert.ok(units.some(unit => unit.text === (level === 'word' ? 'harbour' : 'Zoë said so.')));
    }
  });

  it('pretty shows each text under its name', async () => {
    const shown = await output(['--lines', '-'], 'one\ntwo');
    assert.match(shown, /^== line 1\no[^]*\n== line 2\nt/);
  });

  it('2: one bad file among several; it is named, nothing is scored or written', async () => {
    const good = scratch.file('good.txt', 'Hello');
    const out = path.join(scratch.folder, 'never.csv');
    for (const bad of [path.join(scratch.folder, 'missing.txt'), scratch.file('binary.txt', Uint8Array.of(97, 0))]) {
      const { code, stdout, stderr } = await run(['score', good, bad, good, '--format', 'csv', '--out', out, ...tiny]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.ok(stderr.includes(path.basename(bad)), stderr);
      assert.equal(existsSync(out), false);
    }
  });

  const refused: readonly (readonly [name: string, words: readonly string[], message: RegExp])[] = [
    ['standard input twice', ['-', '-'], /only once/],
    ['a page of several files', ['a', 'b', '--format', 'html'], /html takes one file/],
    ['a page of lines', ['a', '--lines', '--format', 'html'], /html takes one file/],
    ['words in a picture', ['a', '--level', 'word'], /needs --format json or csv/],
    ['an unknown level', ['a', '--level', 'letter', '--format', 'csv'], /token, word, sentence/],
    ['an empty name to write to', ['a', '--out', ''], /--out is empty/],
    ['a folder that is not there', ['a', '--out', 'nowhere/at/all.csv'], /no such folder/],
    ['a folder to write to', ['a', '--out', '.'], /is a folder/],
    ['to write over the input', ['package.json', '--out', './package.json'], /one of the files/],
  ];
  for (const [name, words, message] of refused) {
    it(`2: ${name}`, async () => {
      const { code, stdout, stderr } = await run(['score', ...words]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  describe('--out', () => {
    const folder = path.join(scratch.folder, 'results');
    const input = scratch.file('input.txt', 'The harbour was quiet before dawn.\nZoë 🦊\n');
    const out = path.join(folder, 'result.csv');
    before(() => {
      mkdirSync(folder);
    });

    it('writes what standard output would show, and beside it where it comes from; twice the same bytes', async () => {
      const words = ['--format', 'csv', '--lines', '--top', '3', '--no-start-token', input];
      const expected = await output(words);
      assert.equal(await output([...words, '--out', out]), '');
      assert.deepEqual(readdirSync(folder).sort(), ['result.csv', 'result.csv.meta.json'], 'no temporary file is left');
      const first = [readFileSync(out), readFileSync(`${out}.meta.json`)];
      assert.equal(first[0]?.toString(), expected);
      await output([...words, '--out', out]);
      assert.deepEqual([readFileSync(out), readFileSync(`${out}.meta.json`)], first);

      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
      const meta = JSON.parse(first[1]?.toString() ?? '') as {
        readonly model: Readonly<Record<string, unknown>>;
        readonly options: Readonly<Record<string, unknown>> & { readonly threads: unknown };
        readonly inputs: readonly Readonly<Record<string, unknown>>[];
      };
      const { provenance } = await scoreJson([input, ...tiny, '--no-start-token']);
      assert.deepEqual(meta, {
        tool: { name: 'token-lens', version },
        model: {
          name: 'tiny-gpt2',
          sha256: provenance.modelHash,
          dtype: 'fp32',
          noiseFloorBits: provenance.noiseFloorBits,
          repeatabilityBits: provenance.repeatabilityBits,
          selfCheck: provenance.selfCheck,
        },
        options: {
          format: 'csv',
          lines: true,
          level: 'token',
          rule: null,
          context: provenance.window,
          overlap: provenance.overlap,
          anchors: 'grid',
          top: 3,
          startToken: false,
          startTokenId: null,
          arithmetic: 'native',
          threads: meta.options.threads,
        },
        inputs: [{ file: input, bytes: readFileSync(input).length, sha256: meta.inputs[0]?.['sha256'] }],
        items: 2,
      });
      assert.equal(typeof meta.options.threads, 'number');
    });

    it('a run that is ended leaves what was there', async () => {
      const before = readFileSync(out);
      const child = start(['score', scratch.file('long.txt', 'The harbour. '.repeat(20_000)), '--format', 'csv', '--out', out, ...tiny]);
      setTimeout(() => child.kill('SIGTERM'), 700);
      const { code } = await outcomeOf(child);
      assert.equal(code, 143);
      assert.deepEqual(readFileSync(out), before);
      assert.equal(readdirSync(folder).length, 2);
    });
  });
});
