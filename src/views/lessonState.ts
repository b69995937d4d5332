import { bandOf, defaultBandEdges } from '../core/band';
import { distributionOfRow, type Distribution, type DistributionRow } from '../core/distribution';
import { mostTokens, mostTries, type Answer, type GamePassage, type GameToken, type GuessingGame } from '../core/guessing';
import { applySampling, type RankedTokens } from '../core/sampling';
import { rowState } from '../core/scores';
import { draw, SeededRandom } from '../core/seededRandom';
import type { Vocabulary } from '../core/vocabulary';
import type { DocumentView } from '../documentView';
import type { GuessingEnd, GuessingState, PlayerResult, SamplingFigure, ShownDistribution, TourFigure } from './lessonProtocol';
import type { PanelRow } from './panelProtocol';
import { provenanceInWords } from './preambleWords';

/** Rows of a distribution: few, so that they can be read from the last bench. */
const shownRows = 5;
const differencesShown = 6;
const differenceBefore = 40;
/** Of the figures of the tour. */
const tourTokens = 40;
const surprisingTokens = 24;
const drawnTokens = 12;

/** A passage with all that the model said of it, as copies: the game is about a fixed text, whatever becomes of the document. */
export interface ScoredPassage extends GamePassage {
  readonly title: string;
  readonly model: string;
  readonly provenance: string;
  readonly tokens: readonly PassageToken[];
  readonly stopsAfter: number | undefined;
}

export interface PassageToken extends GameToken {
  readonly id: number;
  readonly entropyBits: number;
  /** Undefined: not scored. */
  readonly distribution: ShownDistribution | undefined;
}

/** `cut`: the passage goes on beyond the text. */
export function scoredPassage(view: DocumentView, text: string, title: string, cut: boolean): ScoredPassage {
  const { table, vocabulary, modelName, provenance } = view;
  const length = Math.min(table.length, mostTokens);
  const tokens = Array.from({ length }, (_, row): PassageToken => {
    const isScored = table.states[row] === rowState.scored;
    const top = [...table.topIds.subarray(row * table.topCount, (row + 1) * table.topCount)].filter(id => id >= 0);
    const distribution = distributionOfRow(table, row, shownRows);
    return {
      id: table.ids[row] ?? 0,
      start: table.starts[row] ?? 0,
      end: table.ends[row] ?? 0,
      surprisalBits: isScored ? table.surprisalBits[row] : undefined,
      entropyBits: table.entropyBits[row] ?? NaN,
      expected: top.map(id => vocabulary.textOf(id)),
      distribution: distribution && shownDistribution(distribution, vocabulary, modelName),
    };
  });
  return {
    title,
    model: modelName,
    provenance: provenanceInWords(provenance),
    text,
    tokens,
    vocabularySize: vocabulary.size,
    triesAllowed: Math.min(mostTries, table.topCount),
    stopsAfter: cut || length < table.length ? length : undefined,
  };
}

export function shownDistribution(found: Distribution, vocabulary: Vocabulary, model: string): ShownDistribution {
  const rowOf = (row: DistributionRow): PanelRow => ({ ...row, token: vocabulary.piecesOf(row.id) });
  const { actual } = found;
  return {
    model,
    typed: undefined,
    rows: found.rows.map(rowOf),
    actual: actual && { ...actual, token: vocabulary.piecesOf(actual.id) },
    everythingElse: found.everythingElse,
    everythingElseGivenTyped: undefined,
  };
}

/** The game as its page shows it now. */
export function guessingState(game: GuessingGame, passage: ScoredPassage, changed: boolean): GuessingState | GuessingEnd {
  const { played } = game;
  const head = {
    title: passage.title,
    model: passage.model,
    provenance: passage.provenance,
    changed,
    stopsAfter: passage.stopsAfter,
    triesAllowed: passage.triesAllowed,
  };
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const learnerBits = sum(played.map(place => place.learnerBits));
  const modelBits = sum(played.map(place => place.modelBits));
  const piecesOf = (index: number) => passage.tokens[index]?.distribution?.actual?.token ?? [];
  const token = game.token === undefined ? undefined : passage.tokens[game.token];
  if (token) {
    const last = game.isRevealed ? played.at(-1) : undefined;
    return {
      ...head,
      kind: 'guessing',
      step: game.moves.length,
      before: passage.text.slice(0, token.start),
      place: game.place + 1,
      places: game.asked.length,
      tries: game.tries,
      learnerBits,
      modelBits,
      revealed:
        last && token.distribution
          ? {
              text: passage.text.slice(token.start, token.end),
              token: piecesOf(last.token),
              learnerTry: last.learner.rightTry,
              modelTry: last.model.rightTry,
              surprisalBits: last.surprisalBits,
              distribution: token.distribution,
            }
          : undefined,
    };
  }
  const differences = played
    .filter(({ learner, model }) => learner.rightTry !== model.rightTry)
    .map(place => ({ place, difference: Math.abs(place.learnerBits - place.modelBits) }))
    .sort((a, b) => b.difference - a.difference)
    .slice(0, differencesShown)
    .map(({ place }) => {
      const start = passage.tokens[place.token]?.start ?? 0;
      return {
        before: lastPart(passage.text.slice(0, start), differenceBefore),
        token: piecesOf(place.token),
        learnerTry: place.learner.rightTry,
        modelTry: place.model.rightTry,
      };
    });
  const lastPlayed = played.at(-1);
  return {
    ...head,
    kind: 'end',
    text: passage.text.slice(0, lastPlayed ? passage.tokens[lastPlayed.token]?.end : 0),
    played: played.length,
    places: game.asked.length,
    learner: resultOf(
      played.map(({ learner }) => learner),
      learnerBits,
      passage.triesAllowed,
    ),
    modelGuessing: resultOf(
      played.map(({ model }) => model),
      modelBits,
      passage.triesAllowed,
    ),
    modelBits: sum(played.map(place => place.surprisalBits)),
    differences,
    vocabularySize: passage.vocabularySize,
  };
}

function resultOf(answers: readonly Answer[], bits: number, triesAllowed: number): PlayerResult {
  const count = (wanted: number | undefined) => answers.filter(({ rightTry }) => rightTry === wanted).length;
  return { bits, tries: Array.from({ length: triesAllowed }, (_, index) => count(index + 1)), none: count(undefined) };
}

/** The end of a text, from the beginning of a word if it can be. */
export function lastPart(text: string, length: number): string {
  if (text.length <= length) return text;
  const part = text.slice(-length);
  const space = part.search(/\s/);
  return `…${space < 0 ? part : part.slice(space)}`;
}

/** A place where the token that follows is among the shown ones but is not the first, as near as can be to 3 bits; not at the very beginning. */
export function distributionPlace({ tokens, text }: ScoredPassage): PassageToken | undefined {
  const beginnings = tokens.filter((token, index) => index >= Math.min(6, tokens.length / 2) && beginsWord(text, token));
  const distance = ({ surprisalBits = 0, distribution }: PassageToken) => {
    const rank = distribution?.actual?.rank ?? Infinity;
    return Math.abs(surprisalBits - 3) + (rank > 1 && rank <= shownRows ? 0 : 100);
  };
  const [nearest] = beginnings.filter(({ distribution }) => distribution !== undefined).sort((a, b) => distance(a) - distance(b));
  return nearest ?? tokens.find(({ distribution }) => distribution !== undefined);
}

/** Words that the model knew well with at least so many tokens before them, the best known first. */
export function contextPlaces({ tokens, text }: ScoredPassage, least: number): number[] {
  const bitsOf = (index: number) => tokens[index]?.surprisalBits ?? Infinity;
  return tokens
    .flatMap((token, index) => (index >= least && beginsWord(text, token) && token.end - token.start >= 4 ? [index] : []))
    .filter(index => bitsOf(index) < Infinity)
    .sort((a, b) => bitsOf(a) - bitsOf(b));
}

/** The model can be asked before any token that begins with white space and a letter. */
function beginsWord(text: string, { start, end }: PassageToken): boolean {
  return /^ \p{L}/u.test(text.slice(start, end));
}

/** The figures that need no other answer of the model. */
export function tokensFigure({ tokens }: ScoredPassage, vocabulary: Vocabulary): TourFigure {
  return { screen: 'tokens', tokens: tokens.slice(0, tourTokens).map(({ id }) => ({ id, token: vocabulary.piecesOf(id) })) };
}

export function surpriseFigure({ tokens }: ScoredPassage, vocabulary: Vocabulary): TourFigure {
  const shown = tokens.slice(0, surprisingTokens);
  return {
    screen: 'surprise',
    tokens: shown.map(({ id, surprisalBits: bits }) => ({
      token: vocabulary.piecesOf(id),
      bits,
      band: bits === undefined ? 0 : (bandOf(bits, defaultBandEdges.teaching) ?? 0),
    })),
    totalBits: shown.reduce((sum, { surprisalBits = 0 }) => sum + surprisalBits, 0),
  };
}

/** What is drawn at one place: the same seed and temperature draw the same tokens. */
export function samplingFigure(
  ranked: RankedTokens,
  vocabulary: Vocabulary,
  before: string,
  { temperature, seed }: { readonly temperature: number; readonly seed: number },
): SamplingFigure {
  const { kept } = applySampling(ranked, { temperature });
  const random = new SeededRandom(seed);
  const first = [...ranked.ids.subarray(0, shownRows)];
  return {
    screen: 'sampling',
    before,
    temperature,
    seed,
    // Dividing logarithms keeps the order, so the first of both are the same tokens.
    rows: first.map((id, place) => ({
      token: vocabulary.piecesOf(id),
      raw: ranked.probabilities[place] ?? 0,
      after: kept.probabilities[place] ?? 0,
    })),
    drawn: Array.from({ length: drawnTokens }, () => vocabulary.piecesOf(draw(kept, random).id)),
  };
}
