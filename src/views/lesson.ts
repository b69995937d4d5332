import * as vscode from 'vscode';
import type { Config } from '../config';
import { GuessingGame } from '../core/guessing';
import { distributionOfLogProbabilities } from '../core/distribution';
import { rankTokens, type RankedTokens } from '../core/sampling';
import type { Vocabulary } from '../core/vocabulary';
import { DisposableStore, type Disposable } from '../disposable';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { isChanged, LessonPassages, type Passage } from './lessonPassages';
import {
  fromLesson,
  savedLesson,
  tourScreens,
  type ContextColumn,
  type FromLesson,
  type LessonState,
  type SavedLesson,
  type ToLesson,
  type TourFigure,
} from './lessonProtocol';
import {
  contextPlaces,
  distributionPlace,
  guessingState,
  lastPart,
  samplingFigure,
  scoredPassage,
  surpriseFigure,
  tokensFigure,
  type ScoredPassage,
} from './lessonState';
import { errorMessage } from './panelMessages';
import { errorInWords } from './stateInWords';
import { WebPages, type Asked } from './webPages';

/** Of the screen about context: so many tokens before the place, then all there are. */
const contexts = [2, 10] as const;
/** The token whose context is shortened is the one of so many that loses most by it. */
const contextCandidates = 5;
const contextRows = 3;
/** Text before a place that a figure shows, UTF-16. */
const shownBefore = 120;
const shownContext = 90;

export interface LessonParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'complete'>;
  readonly config: Config;
  readonly pauses: Pauses;
}

interface Tour {
  readonly kind: 'tour';
  readonly passage: Passage;
  readonly scored: ScoredPassage;
  readonly vocabulary: Vocabulary;
  screen: number;
  /** What the model has answered already. */
  sampling: { readonly ranked: RankedTokens; readonly before: string; temperature: number; seed: number } | undefined;
  context: TourFigure | undefined;
}

interface Game {
  readonly kind: 'game';
  readonly passage: Passage;
  readonly scored: ScoredPassage;
  readonly game: GuessingGame;
}

/** The guessing game and the tour, on a copy of a passage that is scored as a text of its own: both players have read the same. */
export class LessonView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: LessonParts;
  readonly #page: WebPages<ToLesson, FromLesson>;
  readonly #passages: LessonPassages;
  #lesson: Game | Tour | undefined;
  /** What was asked for last: answers to anything older are dropped. */
  #run: AbortController | undefined;
  #editor: vscode.TextEditor | undefined;
  #passage: Passage | undefined;
  /** As the page has it. */
  #isChanged = false;

  constructor(extensionUri: vscode.Uri, parts: LessonParts) {
    this.#parts = parts;
    this.#passages = this.#store.add(new LessonPassages(extensionUri, parts.config));
    this.#page = this.#store.add(
      new WebPages<ToLesson, FromLesson>(
        extensionUri,
        { type: 'tokenLens.lesson', name: 'lesson', title: () => vscode.l10n.t('Token Lens lesson'), place: 'over', read: fromLesson },
        {
          message: message => parts.pauses.time('other', () => this.#receive(message)),
          restored: saved => this.#restore(savedLesson(saved)),
          closed: () => {
            this.#run?.abort();
            this.#lesson = undefined;
            this.#passage = undefined;
          },
        },
      ),
    );
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(event => {
        const source = this.#passage?.source;
        if (event.document !== source?.document || event.contentChanges.length === 0) return;
        source.excerpt.edited(event);
        if (this.#lesson?.kind === 'game' && isChanged(this.#lesson.passage) !== this.#isChanged) this.#postGame(this.#lesson);
      }),
    );
  }

  play(): void {
    this.#start('game', vscode.window.activeTextEditor);
  }

  showTour(): void {
    this.#start('tour', vscode.window.activeTextEditor);
  }

  dispose(): void {
    this.#run?.abort();
    this.#store.dispose();
  }

  #start(kind: 'game' | 'tour', editor: vscode.TextEditor | undefined): void {
    this.#editor = editor;
    this.#page.show();
    void this.#make(kind, () => this.#passages.first(editor));
  }

  #restore(saved: SavedLesson | undefined): void {
    if (!saved) return void this.#make('tour', () => this.#passages.first(undefined));
    const passage: Passage = { text: saved.text, title: saved.title, cut: false, source: undefined, sampleEnd: undefined };
    void this.#make(saved.moves ? 'game' : 'tour', () => Promise.resolve(passage), saved);
  }

  /** Scores a passage and begins with it; with `saved`, goes on where it was. */
  async #make(kind: 'game' | 'tour', choose: () => Promise<Passage>, saved?: SavedLesson): Promise<void> {
    const run = this.#begin(vscode.l10n.t('Reading the passage'));
    this.#lesson = undefined;
    try {
      const passage = await choose();
      this.#passage = passage;
      const document = await this.#passages.documentOf(passage.text);
      const view = await this.#parts.scored.complete(document, run.signal);
      if (run.signal.aborted) return;
      const { vocabulary } = view;
      const scored = scoredPassage(view, document.getText(), passage.title, passage.cut);
      if (kind === 'tour') {
        // Its figures need some words; where there are none, the sample has them.
        if (passage.sampleEnd === undefined && contextPlaces(scored, contexts[1]).length === 0) {
          await this.#make('tour', () => this.#passages.first(undefined));
          return;
        }
        this.#lesson = { kind, passage, scored, vocabulary, screen: saved?.screen ?? 0, sampling: undefined, context: undefined };
        await this.#showScreen(this.#lesson, run);
        return;
      }
      const game = new GuessingGame(scored);
      if (game.asked.length === 0) {
        this.#say(vscode.l10n.t('This passage is too short'), vscode.l10n.t('Select at least a sentence, or a paragraph.'), true);
        return;
      }
      for (const move of saved?.moves ?? []) game.enter(move);
      if (saved?.ended === true) game.end();
      this.#lesson = { kind, passage, scored, game };
      this.#postGame(this.#lesson);
    } catch (error) {
      if (!run.signal.aborted) this.#fail(error);
    }
  }

  #begin(headline: string): AbortController {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#post({ kind: 'message', headline, text: vscode.l10n.t('The model runs on this machine; the first time takes a few seconds.'), busy: true, mayChoose: false }); // prettier-ignore
    return run;
  }

  #receive(message: Asked<FromLesson>): void {
    const lesson = this.#lesson;
    switch (message.kind) {
      case 'enter':
        // Enter pressed twice before the page has heard of the first.
        if (lesson?.kind !== 'game' || message.step !== lesson.game.moves.length) return;
        lesson.game.enter(message.text);
        return this.#postGame(lesson);
      case 'end':
        if (lesson?.kind !== 'game') return;
        lesson.game.end();
        return this.#postGame(lesson);
      case 'again':
      case 'game':
      case 'tour': {
        const passage = this.#passage;
        const kind = message.kind === 'tour' ? 'tour' : 'game';
        return void this.#make(kind, () => (passage ? Promise.resolve(passage) : this.#passages.first(this.#editor)));
      }
      case 'another': {
        const passage = this.#passage;
        return void this.#make('game', () => (passage ? this.#passages.another(passage) : this.#passages.first(undefined)));
      }
      case 'panel':
        return void vscode.commands.executeCommand('tokenLens.showPanel');
      case 'screen':
        if (lesson?.kind !== 'tour') return;
        lesson.screen = message.screen;
        return void this.#goToScreen(lesson);
      case 'draw':
        if (lesson?.kind !== 'tour' || !lesson.sampling || tourScreens[lesson.screen] !== 'sampling') return;
        lesson.sampling.temperature = message.temperature;
        lesson.sampling.seed = message.seed;
        return this.#postTour(lesson, drawn(lesson.sampling, lesson.vocabulary));
    }
  }

  #postGame({ game, passage, scored }: Game): void {
    const { text, title } = passage;
    this.#isChanged = isChanged(passage);
    const saved = { text, title, moves: game.moves, ended: game.isOver, screen: 0 };
    this.#post(guessingState(game, scored, this.#isChanged), saved);
  }

  async #goToScreen(tour: Tour): Promise<void> {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    try {
      await this.#showScreen(tour, run);
    } catch (error) {
      if (!run.signal.aborted) this.#fail(error);
    }
  }

  async #showScreen(tour: Tour, run: AbortController): Promise<void> {
    const figure = await this.#figureOf(tour, run.signal);
    if (!run.signal.aborted) this.#postTour(tour, figure);
  }

  async #figureOf(tour: Tour, signal: AbortSignal): Promise<TourFigure> {
    const { scored, vocabulary } = tour;
    const screen = tourScreens[tour.screen] ?? 'tokens';
    const { start = 0, distribution, entropyBits = NaN } = distributionPlace(scored) ?? {};
    const before = lastPart(scored.text.slice(0, start), shownBefore);
    switch (screen) {
      case 'tokens':
        return tokensFigure(scored, vocabulary);
      case 'surprise':
        return surpriseFigure(scored, vocabulary);
      case 'distribution':
        return distribution ? { screen, before, distribution, entropyBits } : tokensFigure(scored, vocabulary);
      case 'sampling': {
        if (!tour.sampling) {
          const document = await this.#passages.documentOf(scored.text);
          const { result } = await this.#parts.scored.ask(document, 'next', { after: [], offset: start }, signal);
          const end = lastPart(scored.text.slice(0, result.cut), shownBefore);
          tour.sampling = { ranked: rankTokens(result.logProbabilities), before: end, temperature: 1, seed: 1 };
        }
        return drawn(tour.sampling, vocabulary);
      }
      case 'context':
        return (tour.context ??= await this.#contextFigure(tour, signal));
    }
  }

  /** Of some tokens that the model knew well, the one that it knew least with two tokens before it. */
  async #contextFigure({ scored, vocabulary }: Tour, signal: AbortSignal): Promise<TourFigure> {
    const asked: { readonly place: number; readonly column: ContextColumn }[] = [];
    const [least, more] = contexts;
    for (const place of contextPlaces(scored, more).slice(0, contextCandidates)) {
      const column = await this.#contextColumn(scored, place, least, signal);
      if (column) asked.push({ place, column });
    }
    const [worst] = asked.sort((a, b) => b.column.bits - a.column.bits);
    const token = worst && vocabulary.piecesOf(scored.tokens[worst.place]?.id ?? 0);
    if (!worst || !token) return { screen: 'context', token: [], columns: [] };
    const others = [
      await this.#contextColumn(scored, worst.place, more, signal),
      await this.#contextColumn(scored, worst.place, worst.place, signal),
    ];
    return { screen: 'context', token, columns: [worst.column, ...others].filter(column => column !== undefined) };
  }

  /** What the model expects at a token when the passage begins so many tokens before it; undefined where it cannot be asked there. */
  async #contextColumn(
    { text, tokens }: ScoredPassage,
    place: number,
    count: number,
    signal: AbortSignal,
  ): Promise<ContextColumn | undefined> {
    // prettier-ignore
    const from = tokens[place - count]?.start ?? 0;
    const token = tokens[place];
    if (!token) return undefined;
    const document = await this.#passages.documentOf(text.slice(from));
    const offset = token.start - from;
    const { result, vocabulary } = await this.#parts.scored.ask(document, 'next', { after: [], offset }, signal);
    if (result.cut !== offset) return undefined;
    const { actual, rows } = distributionOfLogProbabilities(result.logProbabilities, contextRows, token.id, undefined);
    if (!actual) return undefined;
    const before = lastPart(text.slice(from, token.start), shownContext);
    return {
      contextTokens: result.contextTokens,
      before,
      probability: actual.probability,
      bits: actual.surprisalBits,
      rows: rows
        .toSpliced(actual.position, 0, ...(actual.position < contextRows ? [actual] : []))
        .slice(0, contextRows)
        .map(row => ({ token: vocabulary.piecesOf(row.id), probability: row.probability })),
    };
  }

  #postTour({ passage, scored, screen }: Tour, figure: TourFigure): void {
    const { title, model, provenance } = scored;
    this.#post({ kind: 'tour', title, model, provenance, figure }, { text: passage.text, title, moves: undefined, ended: false, screen });
  }

  #fail(error: unknown): void {
    const { headline, text } = errorMessage(error, errorInWords(error, 'command'));
    this.#say(headline, text, false);
  }

  #say(headline: string, text: string, mayChoose: boolean): void {
    this.#post({ kind: 'message', headline, text, busy: false, mayChoose });
  }

  #post(state: LessonState, saved?: SavedLesson): void {
    this.#page.post({ kind: 'show', state, saved });
  }
}

function drawn(sampling: NonNullable<Tour['sampling']>, vocabulary: Vocabulary): TourFigure {
  return samplingFigure(sampling.ranked, vocabulary, sampling.before, sampling);
}
