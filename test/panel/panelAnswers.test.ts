import assert from 'node:assert/strict';
import { cellsFrom, cellsWithin } from '../../src/core/cells';
import { rowState, type Provenance, type ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';
import { ModelError } from '../../src/model/errors';
import type { Answer, DocumentView, LensState, NextAnswer } from '../../src/documentView';
import { Refusal } from '../../src/refusal';
import type { RefusalReason } from '../../src/refusal';
import { PanelAnswers, type PanelSource, type Place } from '../../src/views/panelAnswers';
import type { PanelDistribution, PanelFound, PanelState, ToPanel } from '../../src/views/panelProtocol';
import type { Retry } from '../../src/views/stateInWords';

const words = ['The', ' capital', ' cap', 'ital', ' is', '<end>'];
const pieces = words.map(word => Buffer.from(word));
const vocabulary = new Vocabulary({
  bytes: new Uint8Array(Buffer.concat(pieces)),
  offsets: Uint32Array.from({ length: words.length + 1 }, (_, id) => Buffer.concat(pieces.slice(0, id)).length),
  controlNames: { 5: '<end>' },
});
const provenance: Provenance = {
  model: 'Tiny',
  modelHash: 'hash',
  dtype: 'fp32',
  arithmetic: 'native',
  window: 1024,
  overlap: 256,
  anchors: 'text',
  startTokenId: 5,
  noiseFloorBits: null,
  repeatabilityBits: null,
  selfCheck: null,
  documentVersion: 1,
};
const logProbabilities = Float32Array.from([0.1, 0.2, 0.05, 0.05, 0.5, 0.1], Math.log);

interface FakeDocument {
  readonly text: string;
  version: number;
}

/** "The capital is": three tokens; the row of " is" waits for the model. */
const text = 'The capital is';
function table(): ScoreTable {
  const spans = [0, 3, 11, 14];
  return {
    length: 3,
    topCount: 2,
    watchCount: 0,
    ids: Int32Array.of(0, 1, 4),
    starts: Uint32Array.from(spans.slice(0, 3)),
    ends: Uint32Array.from(spans.slice(1)),
    startBytes: Uint32Array.from(spans.slice(0, 3)),
    endBytes: Uint32Array.from(spans.slice(1)),
    states: Uint8Array.of(rowState.scored, rowState.scored, rowState.pending),
    surprisalBits: Float64Array.of(4, 3, NaN),
    entropyBits: Float64Array.of(2, 2.5, NaN),
    ranks: Int32Array.of(9, 3, 0),
    contextTokens: Int32Array.of(0, 1, 2),
    topIds: Int32Array.of(4, 1, 4, 0, -1, -1),
    topLogProbabilities: Float32Array.from([0.5, 0.25, 0.5, 0.25, 0, 0], Math.log),
    wordStartLogMass: new Float32Array(3),
    watchLogMasses: new Float32Array(0),
  };
}

/** Answers when the test says so. */
class FakeSource implements PanelSource<FakeDocument> {
  lens: LensState = { kind: 'ready' };
  shownView: DocumentView | undefined;
  note: string | undefined;
  readonly asked: {
    readonly offset: number;
    readonly after: readonly number[];
    readonly signal: AbortSignal;
    readonly resolve: (answer: NextAnswer) => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  state(): LensState {
    return this.lens;
  }
  view(): DocumentView | undefined {
    return this.shownView;
  }
  isOn(): boolean {
    return this.lens.kind !== 'off';
  }
  next({ offset, after }: Place<FakeDocument>, signal: AbortSignal): Promise<NextAnswer> {
    return new Promise((resolve, reject) => this.asked.push({ offset, after, signal, resolve, reject }));
  }
  readonly chains: {
    readonly offset: number;
    readonly after: readonly number[];
    readonly texts: readonly string[];
    readonly signal: AbortSignal;
    readonly resolve: (answer: Answer<'chain'>) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  readonly chain = ({ offset, after }: Place<FakeDocument>, texts: readonly string[], signal: AbortSignal) =>
    new Promise<Answer<'chain'>>((resolve, reject) => this.chains.push({ offset, after, texts, signal, resolve, reject }));
  textBetween(document: FakeDocument, start: number, end: number): string {
    return document.text.slice(start, end);
  }
  bandEdges() {
    return [3, 5, 8, 11, 15] as const;
  }
  palette() {
    return 'ember' as const;
  }
  exampleNote(): string | undefined {
    return undefined;
  }
  readingNote(): string | undefined {
    return this.note;
  }
  topCount(): number {
    return 3;
  }
  wanted = false;
  wantsWholeRow(): boolean {
    return this.wanted;
  }
  refusalInWords(reason: RefusalReason): string {
    return `Refused: ${reason.kind}.`;
  }
  failureInWords({ code }: ModelError, retry: Retry): string {
    return `Failed: ${code}; ${retry}.`;
  }
  time(work: () => void): void {
    work();
  }
}

function viewOf(documentVersion: number): DocumentView {
  const scored = table();
  return {
    uri: 'test:one',
    documentVersion,
    table: scored,
    watched: [],
    gaps: [],
    cellsIn: span => cellsWithin(scored, span),
    staleIn: span => cellsWithin(scored, span),
    cellsFrom: leastBits => cellsFrom(scored, leastBits),
    complete: false,
    summary: undefined,
    provenance,
    modelName: 'Tiny',
    vocabulary,
    usualBitsPerByte: { prose: 1, code: 0.5 },
  };
}

function answerFrom(cut: number): NextAnswer {
  return { result: { cut, logProbabilities, entropyBits: 2.1, contextTokens: 7 }, vocabulary, modelName: 'Tiny', provenance };
}

const settled = () => new Promise(resolve => setImmediate(resolve));

describe('panel answers', () => {
  let document: FakeDocument;
  let source: FakeSource;
  let shown: PanelState[];
  let posted: ToPanel[];
  let answers: PanelAnswers<FakeDocument>;

  beforeEach(() => {
    document = { text, version: 1 };
    source = new FakeSource();
    shown = [];
    posted = [];
    answers = new PanelAnswers(source, message => {
      posted.push(message);
      if (message.kind === 'show') shown.push(message.state);
    });
  });

  const at = (offset: number, of = document, after: readonly number[] = []) =>
    answers.update({ document: of, version: of.version, offset, after });
  function last(): PanelDistribution {
    const state = shown.at(-1);
    return state?.kind === 'distribution' ? state : assert.fail(`shows ${JSON.stringify(state)}`);
  }
  function lastHeadline(): string {
    const state = shown.at(-1);
    return state?.kind === 'message' ? state.headline : assert.fail('shows a distribution');
  }
  const names = (rows: PanelDistribution['rows']) => rows.map(row => row.token.map(piece => piece.text).join(''));

  it('shows the row of the table at a border of scored tokens, and asks nothing', () => {
    source.shownView = viewOf(1);
    at(3);
    const { rows, actual, entropyBits, contextTokens, typed, before, shape } = last();
    assert.deepEqual(names(rows), ['·is', 'The']);
    assert.deepEqual(
      [actual?.rank, actual?.probability, actual?.surprisalBits, entropyBits, contextTokens, typed],
      [3, 1 / 8, 3, 2.5, 1, undefined],
    );
    assert.deepEqual(before, [{ text: 'The', band: 1 }]);
    assert.deepEqual(shape, { bits: [4, 3, null], bands: [1, 1, null], cursor: 1 / 3, stale: true });
    assert.equal(last().reading, undefined);
    assert.equal(source.asked.length, 0);
    source.note = 'Tiny mostly reads English.';
    at(3);
    assert.equal(last().reading, source.note);
  });

  it('asks the model where the table has no score yet, and knows what follows from the layout', async () => {
    source.shownView = viewOf(1);
    at(11);
    assert.equal(lastHeadline(), 'Loading the model…');
    source.asked[0]?.resolve(answerFrom(11));
    await settled();
    assert.deepEqual([names(last().rows), last().actual?.token.at(-1)?.text, last().actual?.rank], [['·capital', 'The'], 'is', 1]);
    assert.deepEqual([last().contextTokens, last().entropyBits, last().typed], [7, 2.1, undefined]);
  });

  it('puts what continues the typed text first inside a word', async () => {
    source.shownView = viewOf(1);
    at(7); // "The cap|ital is"
    source.asked[0]?.resolve(answerFrom(3));
    await settled();
    const { typed, rows, actual } = last();
    assert.deepEqual(
      [typed?.map(piece => piece.text).join(''), names(rows), actual?.token.at(-1)?.text, actual?.position],
      ['·cap', ['·cap', '·is'], 'capital', 0],
    );
    assert.ok(Math.abs((actual?.givenTyped ?? 0) - 0.8) < 1e-6);
  });

  it('does not take a token that ends before the cursor for what follows', async () => {
    const scored = viewOf(1);
    source.shownView = { ...scored, table: { ...scored.table, ends: Uint32Array.of(3, 7, 14), starts: Uint32Array.of(0, 3, 7) } };
    at(9);
    source.asked[0]?.resolve(answerFrom(3));
    await settled();
    assert.equal(last().actual, undefined);
  });

  it('uses no table of another version, and none while the lens is off', async () => {
    source.shownView = viewOf(0);
    at(3);
    assert.equal(source.asked.length, 1);
    source.shownView = viewOf(1);
    source.lens = { kind: 'off' };
    document.version = 2;
    at(3);
    source.asked[1]?.resolve(answerFrom(3));
    await settled();
    assert.deepEqual([last().actual, last().shape, last().before], [undefined, undefined, [{ text: 'The', band: undefined }]]);
  });

  it('lets the newest place win, and keeps the previous answer marked meanwhile', async () => {
    source.lens = { kind: 'off' };
    at(3);
    assert.equal(lastHeadline(), 'Loading the model…');
    source.asked[0]?.resolve(answerFrom(3));
    await settled();
    at(11);
    assert.equal(last().updating, true);
    at(14);
    assert.deepEqual(
      source.asked.map(question => question.signal.aborted),
      [false, true, false],
    );
    source.asked[1]?.resolve(answerFrom(0));
    await settled();
    assert.equal(last().updating, true);
    source.asked[2]?.resolve(answerFrom(14));
    await settled();
    assert.deepEqual([last().updating, last().before], [false, [{ text, band: undefined }]]);
  });

  it('asks once for a place, however often rows arrive meanwhile or later', async () => {
    source.shownView = viewOf(1);
    for (let event = 0; event < 5; event++) at(11);
    source.asked[0]?.resolve(answerFrom(11));
    await settled();
    for (let event = 0; event < 5; event++) at(11);
    assert.equal(source.asked.length, 1);
    answers.forget();
    at(11);
    assert.equal(source.asked.length, 2);
  });

  it('drops the question when the table answers it first', async () => {
    source.shownView = { ...viewOf(1), table: { ...table(), states: new Uint8Array(3) } };
    at(3);
    source.shownView = viewOf(1);
    at(3);
    assert.equal(source.asked[0]?.signal.aborted, true);
    source.asked[0].resolve(answerFrom(3));
    await settled();
    assert.equal(last().contextTokens, 1);
  });

  it('drops an answer to a text that has been edited meanwhile', async () => {
    source.lens = { kind: 'off' };
    at(3);
    document.version = 2;
    const before = shown.length;
    source.asked[0]?.resolve(answerFrom(3));
    await settled();
    assert.equal(shown.length, before);
  });

  it('shows nothing of one document while it waits for another', async () => {
    source.lens = { kind: 'off' };
    at(3);
    source.asked[0]?.resolve(answerFrom(3));
    await settled();
    at(1, { text: 'another', version: 1 });
    assert.equal(lastHeadline(), 'Asking Tiny…');
  });

  describe('after tokens that are tried out', () => {
    const after = [1, 4];

    it('asks for the distribution behind them, and shows no token or typed text of the document there', async () => {
      source.shownView = viewOf(1);
      source.wanted = true;
      at(7, document, after); // "The cap|ital is"
      assert.deepEqual(
        source.asked.map(asked => asked.after),
        [after],
      );
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      const { typed, actual, rows, before } = last();
      assert.deepEqual([typed, actual, names(rows)], [undefined, undefined, ['·is', '·capital', 'The']]);
      assert.deepEqual(before, [{ text: 'The', band: 1 }], 'they take the place of what is typed');
      assert.deepEqual(
        last().after.map(({ id, token }) => [id, token.at(-1)?.text]),
        [
          [1, 'capital'],
          [4, 'is'],
        ],
      );
      const row = posted.find(message => message.kind === 'row');
      assert.deepEqual(row?.kind === 'row' && [row.place, row.typedBytes, row.logProbabilities], [
        last().place,
        undefined,
        logProbabilities,
      ]);
    });

    it('is another place with every token, at the same root; the table’s row is never taken for it', async () => {
      source.shownView = viewOf(1);
      at(3);
      const { place, root } = last();
      assert.equal(answers.root, root);
      assert.equal(source.asked.length, 0);
      at(3, document, [4]);
      assert.equal(source.asked.length, 1);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      assert.equal(last().root, root);
      assert.notEqual(last().place, place);
      assert.deepEqual(answers.origin?.place.after, [4]);
      at(3, document, [4]);
      assert.equal(source.asked.length, 1);
      at(3, document, [4, 4]);
      assert.equal(source.asked.length, 2);
      assert.equal(last().updating, true);
      at(3);
      assert.deepEqual([last().updating, last().root, last().after], [false, root, []]);
      assert.equal(answers.origin, undefined);
      at(11);
      source.asked[2]?.resolve(answerFrom(11));
      await settled();
      assert.notEqual(last().root, root);
    });

    it('finds texts there', async () => {
      source.lens = { kind: 'off' };
      at(3, document, after);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      void answers.find({ kind: 'find', place: last().place, texts: [' is'] }, () => undefined);
      assert.deepEqual([source.chains[0]?.offset, source.chains[0]?.after], [3, after]);
    });
  });

  describe('while words are watched', () => {
    const watched = [
      { word: 'is', ids: [4], whole: true },
      { word: 'capital', ids: [1, 2], whole: false },
    ];
    const here = () => last().watched.map(({ word, here: value }) => [word, value === null || value === undefined ? value : Number(value.toFixed(4))]); // prettier-ignore
    const chained = (...probabilities: number[]): Answer<'chain'> => {
      const { vocabulary: known, modelName } = viewOf(1);
      return { result: { cut: 3, logProbabilities: Float64Array.from(probabilities, Math.log) }, vocabulary: known, modelName, provenance };
    };
    beforeEach(() => {
      const view = viewOf(1);
      const watchLogMasses = Float32Array.from([0.1, 0.2, 0.5, 0.25, NaN, NaN], Math.log);
      source.shownView = { ...view, watched, table: { ...view.table, watchCount: 2, watchLogMasses } };
    });

    it('shows their peaks, what the table knows exactly, and asks for the rest of them once', async () => {
      at(3);
      assert.deepEqual(
        last().watched[1]?.peaks.map(peak => peak && Number(peak.toFixed(4))),
        [0.2, 0.25, null],
      );
      assert.deepEqual(here(), [['is', 0.5], ['capital', undefined]]); // prettier-ignore
      assert.deepEqual(
        source.chains.map(({ offset, texts }) => ({ offset, texts })),
        [{ offset: 3, texts: [' capital', 'capital'] }],
      );
      at(3);
      source.chains[0]?.resolve(chained(0.2, 0.01));
      await settled();
      assert.deepEqual(here(), [['is', 0.5], ['capital', 0.21]]); // prettier-ignore
      at(3);
      assert.equal(source.chains.length, 1);
      answers.forget();
      at(3);
      assert.equal(source.chains.length, 2);
    });

    it('asks for all of them where the table has no row, after the distribution', async () => {
      at(7);
      assert.equal(source.chains.length, 0);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      assert.deepEqual(source.chains[0]?.texts, [' is', 'is', ' capital', 'capital']);
      source.chains[0].resolve(chained(0, 0, 0.2, 0));
      await settled();
      assert.deepEqual(here(), [['is', 0], ['capital', 0.2]]); // prettier-ignore
    });

    it('asks about the newest place only, and about none while nothing is looked at', async () => {
      at(3);
      at(0);
      assert.deepEqual(source.chains.map(({ offset, signal }) => [offset, signal.aborted]), [[3, true], [0, false]]); // prettier-ignore
      source.chains[0]?.resolve(chained(1, 0));
      await settled();
      assert.deepEqual(here(), [['is', 0.1], ['capital', undefined]]); // prettier-ignore
      at(7);
      assert.equal(source.chains[1]?.signal.aborted, true);
      at(3);
      answers.cancel();
      assert.equal(source.chains[2]?.signal.aborted, true);
    });

    it('says that a value is not known where the model fails', async () => {
      at(3);
      source.chains[0]?.reject(new ModelError('exited', 'gone'));
      await settled();
      assert.deepEqual(here(), [['is', 0.5], ['capital', null]]); // prettier-ignore
      assert.equal(source.chains.length, 1);
    });

    it('shows and asks nothing with the lens off', async () => {
      source.lens = { kind: 'off' };
      at(3);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      assert.deepEqual([last().watched, source.chains.length], [[], 0]);
    });
  });

  describe('for pages that want the whole row', () => {
    const rowsPosted = () => posted.filter(message => message.kind === 'row');
    beforeEach(() => {
      source.wanted = true;
      source.shownView = viewOf(1);
    });

    it('sends the vocabulary once, before anything that needs it', async () => {
      at(3);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      at(0);
      assert.deepEqual(posted.map(({ kind }) => kind).slice(0, 2), ['vocabulary', 'show']);
      const [first, ...others] = posted.filter(message => message.kind === 'vocabulary');
      assert.deepEqual(others, []);
      assert.deepEqual(first?.vocabulary.controlNames, { 5: '<end>' });
    });

    it('shows the row of the table at once, then sends the whole row of that place, once', async () => {
      at(3);
      assert.deepEqual([last().updating, last().actual?.surprisalBits, rowsPosted()], [false, 3, []]);
      at(3);
      assert.deepEqual(
        source.asked.map(({ offset, signal }) => [offset, signal.aborted]),
        [[3, false]],
      );
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      assert.equal(last().actual?.surprisalBits, 3, 'the score of the document was lost');
      for (let event = 0; event < 3; event++) at(3);
      assert.deepEqual(rowsPosted(), [{ kind: 'row', place: last().place, logProbabilities, typedBytes: undefined }]);
      assert.equal(source.asked.length, 1);
    });

    it('sends what the model said where the table has no score, with what is typed', async () => {
      at(7); // "The cap|ital is"
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      const [row] = rowsPosted();
      assert.deepEqual([row?.place, new TextDecoder().decode(row?.typedBytes)], [last().place, ' cap']);
    });

    it('shows the beginning of the word where a token begins inside of one: that is the place of the whole row', async () => {
      const scored = viewOf(1);
      const cut = { ids: Int32Array.of(0, 2, 3), starts: Uint32Array.of(0, 3, 7), ends: Uint32Array.of(3, 7, 11) };
      source.shownView = { ...scored, table: { ...scored.table, ...cut, states: new Uint8Array(3).fill(rowState.scored) } };
      source.wanted = false;
      at(7); // "The cap|ital"
      assert.deepEqual([last().typed, source.asked.length], [undefined, 0]);
      source.wanted = true;
      at(7);
      source.asked[0]?.resolve(answerFrom(3));
      await settled();
      assert.equal(
        last()
          .typed?.map(piece => piece.text)
          .join(''),
        '·cap',
      );
      assert.equal(new TextDecoder().decode(rowsPosted()[0]?.typedBytes), ' cap');
    });

    it('names another place by another number, and the same place after the model has changed', async () => {
      at(3);
      const first = last().place;
      at(0);
      const second = last().place;
      answers.forget();
      at(0);
      assert.equal(new Set([first, second, last().place]).size, 3);
      await settled();
    });

    it('says that there is none where the model fails, and keeps the rows', async () => {
      at(3);
      source.asked[0]?.reject(new ModelError('exited', 'gone'));
      await settled();
      assert.deepEqual(rowsPosted(), [{ kind: 'row', place: last().place, logProbabilities: undefined, typedBytes: undefined }]);
      assert.equal(last().actual?.surprisalBits, 3);
    });

    it('asks nothing more once nobody wants it', () => {
      at(3);
      source.wanted = false;
      at(3);
      assert.equal(source.asked[0]?.signal.aborted, true);
    });
  });

  describe('asked how probable a text is', () => {
    const found: PanelFound[] = [];
    const reply = (answer: PanelFound) => void found.push(answer);
    const answerOf = (...logs: number[]): Answer<'chain'> => ({
      result: { cut: 3, logProbabilities: Float64Array.from(logs) },
      vocabulary,
      modelName: 'Tiny',
      provenance,
    });
    beforeEach(() => {
      found.length = 0;
      source.shownView = viewOf(1);
      at(3);
    });

    it('answers with what the model says at the place that is shown', async () => {
      const { place } = last();
      void answers.find({ kind: 'find', place, texts: [' big sea', 'big sea'] }, reply);
      assert.deepEqual([source.chains[0]?.offset, source.chains[0]?.texts], [3, [' big sea', 'big sea']]);
      source.chains[0]?.resolve(answerOf(-3, -9));
      await settled();
      assert.deepEqual(found, [{ kind: 'found', place, texts: [' big sea', 'big sea'], logProbabilities: Float64Array.of(-3, -9) }]);
    });

    it('answers the newest question of a page only, and each page', async () => {
      const others: PanelFound[] = [];
      const { place } = last();
      void answers.find({ kind: 'find', place, texts: ['a b'] }, reply);
      void answers.find({ kind: 'find', place, texts: ['c d'] }, answer => void others.push(answer));
      void answers.find({ kind: 'find', place, texts: ['a bc'] }, reply);
      assert.deepEqual(
        source.chains.map(({ signal }) => signal.aborted),
        [true, false, false],
      );
      for (const chain of source.chains) chain.resolve(answerOf(-1));
      await settled();
      assert.deepEqual([found, others].map(each => each.flatMap(({ texts }) => texts)), [['a bc'], ['c d']]); // prettier-ignore
    });

    it('knows the place that is shown by its number, while its text is the same', () => {
      const { place } = last();
      assert.deepEqual([answers.placeOf(place)?.offset, answers.placeOf(place + 1)], [3, undefined]);
      at(0);
      assert.equal(answers.placeOf(place), undefined);
      const older = last().place;
      document.version++;
      assert.equal(answers.placeOf(older), undefined);
      document.version--;
    });

    it('answers nothing about a place that has been left', async () => {
      const { place } = last();
      void answers.find({ kind: 'find', place, texts: ['a b'] }, reply);
      at(0);
      source.chains[0]?.resolve(answerOf(-1));
      void answers.find({ kind: 'find', place, texts: ['a b'] }, reply);
      await settled();
      assert.deepEqual([found, source.chains.length], [[], 1]);
    });

    it('says that it is not known where the model fails', async () => {
      void answers.find({ kind: 'find', place: last().place, texts: ['a b'] }, reply);
      source.chains[0]?.reject(new ModelError('exited', 'gone'));
      await settled();
      assert.equal(found[0]?.logProbabilities, undefined);
      assert.equal(found.length, 1);
    });
  });

  it('says why there is nothing to show, without asking', () => {
    answers.update(undefined);
    assert.equal(lastHeadline(), 'No text to read');
    source.lens = { kind: 'refused', reason: { kind: 'too-large', bytes: 5_000_000, limitBytes: 2_000_000 } };
    at(3);
    assert.deepEqual(shown.at(-1), { kind: 'message', headline: 'This document is too large', text: 'Refused: too-large.', busy: false });
    source.lens = { kind: 'failed', error: new ModelError('not-found', 'gone') };
    at(3);
    assert.deepEqual(shown.at(-1), {
      kind: 'message',
      headline: 'The model was not found',
      text: 'Failed: not-found; toggle.',
      busy: false,
    });
    assert.equal(source.asked.length, 0);
  });

  it('says that the model failed, once, and tries again elsewhere', async () => {
    source.lens = { kind: 'off' };
    at(3);
    source.asked[0]?.reject(new ModelError('exited', 'gone'));
    await settled();
    assert.deepEqual(shown.at(-1), { kind: 'message', headline: 'The model process ended', text: 'Failed: exited; move.', busy: false });
    at(3);
    assert.equal(source.asked.length, 1);
    at(4);
    assert.equal(source.asked.length, 2);
  });

  it('says why the model was not asked, when it is the text or the machine', async () => {
    source.lens = { kind: 'off' };
    at(3);
    source.asked[0]?.reject(new Refusal({ kind: 'memory', neededBytes: 2, freeBytes: 1 }));
    await settled();
    assert.deepEqual(shown.at(-1), { kind: 'message', headline: 'The model was not loaded', text: 'Refused: memory.', busy: false });
  });
});
