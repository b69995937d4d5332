import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exampleNames, placesIn, workedExamples } from '../../src/core/workedExamples';
import type { ExampleName, WorkedExample } from '../../src/core/workedExamples';
import type { Arithmetic, ModelKey, ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';
import type { ModelClient } from '../../src/model/client';
import type { Filler, Prediction } from '../../src/model/contextProtocol';
import type { ModelDescription, PassageScore, ScoringSettings } from '../../src/model/protocol';
import { bundledFolder, loadParams, never, newClient, Reader } from './process';

/** As the editor has them by default. */
const settings: ScoringSettings = {
  contextTokens: 1024,
  overlapTokens: 256,
  anchors: 'text',
  topCount: 10,
  useStartToken: true,
  watchWords: [],
};
const topCount = 10;

/** What the model says of one place. */
export interface MeasuredPlace {
  /** Of the text's own token. */
  readonly bits: number;
  /** The most probable tokens. */
  readonly top: readonly { readonly text: string; readonly probability: number }[];
}

interface Read {
  readonly client: ModelClient;
  readonly key: ModelKey;
  readonly vocabulary: Vocabulary;
  /** Of the document. */
  readonly name: string;
}

/** One example as the model reads it in one arithmetic. */
export class ExampleReader {
  readonly example: WorkedExample;
  readonly text: string;
  readonly places: { readonly target: number; readonly piece: number };
  readonly table: ScoreTable;
  /** Of the target. */
  readonly row: number;
  readonly #read: Read;
  readonly #reader: Reader;

  static async open(client: ModelClient, model: ModelDescription, name: ExampleName, arithmetic: Arithmetic): Promise<ExampleReader> {
    const example: WorkedExample = workedExamples[name];
    const text = readFileSync(path.join('samples/examples', example.file), 'utf8');
    const key = { ...model.key, arithmetic };
    const read = { client, key, vocabulary: new Vocabulary(model.vocabulary), name: `${name} ${arithmetic}` };
    const reader = new Reader(client, key, read.name);
    await reader.open(text);
    await reader.score(settings);
    return new ExampleReader(read, reader, example, text);
  }

  private constructor(read: Read, reader: Reader, example: WorkedExample, text: string) {
    this.#read = read;
    this.#reader = reader;
    this.example = example;
    this.text = text;
    this.table = reader.finished;
    this.places = placesIn(text, example);
    this.row = this.rowAt(this.places.target);
  }

  /** The row of the token that begins at this place. */
  rowAt(offset: number): number {
    const row = this.table.starts.subarray(0, this.table.length).indexOf(offset);
    assert.ok(offset >= 0 && row >= 0, `No token of ${this.example.file} begins at ${String(offset)}.`);
    return row;
  }

  /** The first row of a line, from 1. */
  rowOfLine(line: number): number {
    return this.rowAt(
      this.text
        .split('\n')
        .slice(0, line - 1)
        .join('\n').length + (line > 1 ? 1 : 0),
    );
  }

  /** The target's own prediction, from so many tokens before it; undefined: from all. */
  async target(contextTokens?: number): Promise<MeasuredPlace> {
    const lengths = contextTokens === undefined ? [] : [contextTokens];
    const { whole, predictions } = await this.#read.client.call('contextLengths', { ...this.#target(), lengths }, never);
    return this.#placeOf(contextTokens === undefined ? whole : (predictions[0] ?? assert.fail()));
  }

  /** The target without rows [first, end). */
  async without(first: number, end: number, filler: Filler): Promise<MeasuredPlace> {
    const { without } = await this.#read.client.call('without', { ...this.#target(), source: { first, end }, filler }, never);
    return this.#placeOf(without);
  }

  /** Probabilities of texts in place of the target. */
  async texts(texts: readonly string[]): Promise<readonly number[]> {
    const asked = { ...this.#document(), offset: this.places.target, after: [], texts };
    const { logProbabilities } = await this.#read.client.call('chain', asked, never);
    return [...logProbabilities].map(Math.exp);
  }

  /** Bits of a part of the text behind the example's piece, as it is and with the example's other words. UTF-16 offsets. */
  async instead(start: number, end: number): Promise<{ readonly bits: number; readonly insteadBits: number }> {
    const { view } = this.example;
    if (view.kind !== 'instead') return assert.fail(view.kind);
    const edit = { start: this.places.piece, end: this.places.piece + view.piece.length, text: view.words };
    const found = await this.#reader.try(settings, edit, settings.contextTokens, never, undefined, true, true);
    const moved = edit.text.length - view.piece.length;
    return { bits: sumIn(found.before, start, end), insteadBits: sumIn(found.after, start + moved, end + moved) };
  }

  /** Bits of a part of the text. */
  bitsIn(start: number, end: number): number {
    return sumIn(this.table, start, end);
  }

  #document() {
    return { model: this.#read.key, document: this.#read.name, version: this.#reader.version, settings };
  }

  #target() {
    return { ...this.#document(), row: this.row, ids: [this.table.ids[this.row] ?? assert.fail()], topCount };
  }

  #placeOf({ surprisalBits, topIds, topLogProbabilities }: Prediction): MeasuredPlace {
    const top = [...topIds].map((id, index) => ({
      text: this.#read.vocabulary.textOf(id) ?? '',
      probability: Math.exp(topLogProbabilities[index] ?? NaN),
    }));
    return { bits: surprisalBits[0] ?? NaN, top };
  }
}

function sumIn(
  { starts, ends, surprisalBits }: Pick<PassageScore, 'starts' | 'ends' | 'surprisalBits'>,
  start: number,
  end: number,
): number {
  let bits = 0;
  for (const [row, own] of surprisalBits.entries())
    if ((starts[row] ?? 0) >= start && (ends[row] ?? 0) <= end && (ends[row] ?? 0) > start) bits += own;
  return bits;
}

/** Everything that the sentences say, of one example. Bits; probabilities 0 to 1. */
export type Figures = Readonly<Record<string, number | string>>;

/** Measures one example as its sentence describes it. */
export async function figuresOf(client: ModelClient, model: ModelDescription, name: ExampleName, arithmetic: Arithmetic): Promise<Figures> {
  const read = await ExampleReader.open(client, model, name, arithmetic);
  const { text, row, places, example } = read;
  const whole = await read.target();
  const common = {
    tokens: read.table.length,
    contextTokens: row,
    bits: whole.bits,
    probability: 2 ** -whole.bits,
    rank: read.table.ranks[row] ?? NaN,
    top: topOf(whole),
  };
  switch (name) {
    case 'cat':
      return common;
    case 'nine': {
      const [digits = NaN] = await read.texts([' 18']);
      return { ...common, digits, space: whole.top.find(each => each.text === ' ')?.probability ?? 0 };
    }
    case 'name': {
      const second = await read.target(row - read.rowOfLine(3));
      return {
        ...common,
        tokensBack: row - read.rowAt(text.indexOf(example.target)),
        withoutParagraph: second.bits,
        topWithout: topOf(second),
      };
    }
    case 'import': {
      // With the empty line after it, as the view takes it.
      const without = await read.without(read.rowOfLine(3), read.rowOfLine(5), 'deletion');
      const others = await Promise.all([1, 2].map(line => read.without(read.rowOfLine(line), read.rowOfLine(line + 1), 'deletion')));
      return {
        ...common,
        withoutLine: without.bits,
        topWithout: topOf(without),
        withoutOtherImport: Math.max(...others.map(({ bits }) => bits)),
      };
    }
    case 'detective': {
      const [martha = NaN, thomas = NaN, edward = NaN] = await read.texts([' Martha', ' Thomas', ' Edward']);
      const { bits, insteadBits } = await read.instead(places.target, places.target + example.target.length);
      return { ...common, martha, thomas, edward, withClue: bits, withoutClue: insteadBits };
    }
    case 'rhyme': {
      const { bits, insteadBits } = await read.instead(places.target, places.target + example.target.length);
      return { ...common, inOneWindow: 2 ** -bits, instead: 2 ** -insteadBits };
    }
    case 'sum': {
      const { length } = example.target;
      const { bits, insteadBits } = await read.instead(places.target, places.target + length);
      const working = text.indexOf(example.target);
      return { ...common, bitsOfAll: bits, without: insteadBits, inWorking: read.bitsIn(working, working + length) };
    }
    case 'task': {
      const after = await Promise.all([5, 4, 3, 2, 1].map(line => read.target(row - read.rowOfLine(line))));
      const figures = after.flatMap((place, count) => [[`after${count}`, place.bits] as const, [`top${count}`, topOf(place)] as const]);
      return { ...common, ...Object.fromEntries<number | string>(figures) };
    }
  }
}

function topOf({ top }: MeasuredPlace): string {
  return top.map(({ text, probability }) => `${JSON.stringify(text)} ${(100 * probability).toFixed(1)}%`).join(', ');
}

/** For tools/examples.mjs. `print` gets a line at a time. */
export async function printFigures(print: (line: string) => void): Promise<void> {
  const client = newClient();
  try {
    const model = await client.call('load', loadParams(bundledFolder), never);
    for (const name of exampleNames)
      for (const arithmetic of ['float32', 'native'] as const) {
        print(`\n${name}, ${arithmetic}`);
        const figures = Object.entries(await figuresOf(client, model, name, arithmetic));
        for (const [what, value] of figures)
          print(`  ${what.padEnd(20)} ${typeof value === 'number' ? String(Number(value.toPrecision(4))) : value}`);
      }
  } finally {
    client.dispose();
  }
}
