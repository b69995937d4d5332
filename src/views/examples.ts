import * as vscode from 'vscode';
import type { CommandId } from '../core/contributions';
import { formatCount, formatDecimal } from '../core/numberText';
import { exampleFigures, exampleNamed, exampleNames, placesIn, workedExamples } from '../core/workedExamples';
import type { ExampleName, WorkedExample } from '../core/workedExamples';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { ExampleNotes } from '../exampleNotes';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Filler } from '../model/contextProtocol';
import { sameWords, type WatchWords } from '../watchWords';
import type { Announcer } from './byEar';
import type { ExplainView } from './explain';
import type { SectionAsked } from './explainProtocol';
import type { PanelView } from './panel';

/** A section is asked to begin what takes little time; else it offers it, at its cost. */
const begin: SectionAsked = { name: 'begin' };

export interface ExampleParts {
  readonly scored: Pick<ScoredDocuments, 'setOn'>;
  readonly notes: ExampleNotes;
  readonly watch: WatchWords;
  readonly panel: Pick<PanelView, 'show'>;
  readonly explain: Pick<ExplainView, 'explain'>;
  readonly announcer: Announcer;
}

/**
 * Opens short texts of ours, each as a new document with the lens on, the cursor where something is to be seen, and the view that shows it; a sentence in
 * that view says what to look at, and what the bundled model really does there.
 */
export class WorkedExamples implements Disposable {
  readonly #store = new DisposableStore();
  readonly #folder: vscode.Uri;
  readonly #parts: ExampleParts;
  /** The reader's own watched words, which an example's have taken the place of, until its document is closed. */
  #before: { readonly document: vscode.TextDocument; readonly words: readonly string[] } | undefined;

  constructor(extensionUri: vscode.Uri, parts: ExampleParts) {
    this.#folder = vscode.Uri.joinPath(extensionUri, 'samples', 'examples');
    this.#parts = parts;
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#closed(document)));
  }

  /** `asked`: the name of an example, by another than the user. */
  async show(asked: unknown): Promise<void> {
    const name = exampleNamed(asked) ?? (await pickExample());
    if (!name) return;
    const example: WorkedExample = workedExamples[name];
    const { file, language, view, watched } = example;
    const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(this.#folder, file));
    const content = new TextDecoder().decode(bytes);
    const document = await vscode.workspace.openTextDocument({ language, content });
    const places = placesIn(content, example);
    const at = document.positionAt(places.target);
    // In the first column, so that the views have the second one.
    const selection = new vscode.Range(at, at);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preview: false, selection });
    const { scored, notes, panel, explain, announcer } = this.#parts;
    const note = noteOf(name);
    notes.set(document, note);
    if (watched) this.#watch(document, watched);
    scored.setOn(document, true);
    announcer.speak(notes.of(document) ?? note);
    if (view.kind === 'context') {
      const asked: readonly SectionAsked[] =
        view.section === 'lengths'
          ? [begin]
          : [
              { name: 'filler', value: 'deletion' satisfies Filler },
              { ...begin, value: places.piece },
            ];
      explain.explain({ section: view.section, asked });
      return;
    }
    panel.show();
    if (view.kind === 'panel') return;
    const span = { start: places.piece, end: places.piece + view.piece.length, text: view.words };
    await vscode.commands.executeCommand('tokenLens.ablateSelection' satisfies CommandId, span);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #watch(document: vscode.TextDocument, words: readonly string[]): void {
    const { watch } = this.#parts;
    if (!sameWords(watch.words, words)) this.#before = { document, words: watch.words };
    watch.set(words);
  }

  /** What the reader has chosen meanwhile stays. */
  #closed(document: vscode.TextDocument): void {
    const before = this.#before;
    if (before?.document !== document) return;
    this.#before = undefined;
    const { watch } = this.#parts;
    if (sameWords(watch.words, workedExamples.detective.watched)) watch.set(before.words);
  }
}

async function pickExample(): Promise<ExampleName | undefined> {
  const items = exampleNames.map(name => ({ name, ...wordsOf(name) }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Worked examples'),
    placeHolder: vscode.l10n.t('Each opens a short text of its own and says what to look at.'),
    matchOnDetail: true,
  });
  return chosen?.name;
}

function wordsOf(name: ExampleName): { readonly label: string; readonly detail: string } {
  switch (name) {
    case 'cat':
      return {
        label: vscode.l10n.t('“The cat sat on the…”'),
        detail: vscode.l10n.t('What comes next is a distribution, not an answer.'),
      };
    case 'nine':
      return {
        label: vscode.l10n.t('“Nine plus nine makes…”'),
        detail: vscode.l10n.t('What a small model does where it does not know.'),
      };
    case 'name':
      return {
        label: vscode.l10n.t('A name decided more than 200 tokens earlier'),
        detail: vscode.l10n.t('How much of the context one word needs.'),
      };
    case 'import':
      return { label: vscode.l10n.t('A name and its import'), detail: vscode.l10n.t('Which line of the code above made a token likely.') };
    case 'detective':
      return { label: vscode.l10n.t('A detective story'), detail: vscode.l10n.t('Three suspects, watched all along the text.') };
    case 'rhyme':
      return { label: vscode.l10n.t('A rhyme'), detail: vscode.l10n.t('Is it the rhyme that the model goes by?') };
    case 'sum':
      return {
        label: vscode.l10n.t('A sum with its working and without'),
        detail: vscode.l10n.t('What the answer costs when the working is not there.'),
      };
    case 'task':
      return {
        label: vscode.l10n.t('A task after 0, 1, 2 and 4 worked examples'),
        detail: vscode.l10n.t('What a model picks up from its context alone.'),
      };
  }
}

/** One sentence: what to look at, and what the bundled model does there. Its numbers are those that the tests hold to the model. */
function noteOf(name: ExampleName): string {
  switch (name) {
    case 'cat': {
      const { matPercent } = exampleFigures.cat;
      return vscode.l10n.t(
        'Look at the bars below: the model gives no answer but a distribution, in which “mat” is first with about {0} %, and the rest goes to an edge, a couch, a window and thousands of other tokens.',
        formatCount(matPercent),
      );
    }
    case 'nine': {
      const { eighteenPercent, spacePercent, digitsPercent } = exampleFigures.nine;
      return vscode.l10n.t(
        'The bundled model, a small one, does not manage this: “eighteen” has about {0} % and is not among the ten likeliest tokens, while about {1} % are on a space, after which it would write digits (about {2} % are on “ 18”).',
        formatDecimal(eighteenPercent, 1),
        formatCount(spacePercent),
        formatCount(digitsPercent),
      );
    }
    case 'name': {
      const { tokensBack, bits, withoutParagraphBits } = exampleFigures.name;
      return vscode.l10n.t(
        'The name in the first sentence stands {0} tokens back, and the curve falls only there: “Walter” costs the bundled model {1} bits after the whole text, and {2} bits after everything but the first paragraph.',
        formatCount(tokensBack),
        formatDecimal(bits, 1),
        formatDecimal(withoutParagraphBits, 1),
      );
    }
    case 'import': {
      const { line, bits, effectBits } = exampleFigures.import;
      return vscode.l10n.t(
        'After “create” the bundled model is sure of “Hash” ({0} bits), and line {1} is why: without that import it would cost {2} bits more.',
        formatDecimal(bits, 2),
        formatCount(line),
        formatDecimal(effectBits, 1),
      );
    }
    case 'detective': {
      const { thomasPercent, otherPercent, clueBits } = exampleFigures.detective;
      return vscode.l10n.t(
        'Scroll down to the three strips, which follow the suspects along the story: at the end Thomas has about {0} %, Martha and Edward about {1} % each, but the bundled model does not solve the case: the editor shows what taking out the clue of the boots changes, and at “Thomas” that is {2} bits, too little for a colour, as hovering over it tells.',
        formatCount(thomasPercent),
        formatCount(otherPercent),
        formatDecimal(clueBits, 1),
      );
    }
    case 'rhyme': {
      const { sleepPercent, insteadPercent } = exampleFigures.rhyme;
      return vscode.l10n.t(
        'In the last line “sleep” has about {0} %, but the bundled model does not go by the rhyme: with “dark” in place of “deep” it would have about {1} %. The editor shows what that changes: at “sleep” too little for a colour, so hover over it for both numbers.',
        formatCount(sleepPercent),
        formatCount(insteadPercent),
      );
    }
    case 'sum': {
      const { bits, withoutBits, inWorkingBits } = exampleFigures.sum;
      return vscode.l10n.t(
        'The colours in the editor show what is lost without the working: the digits of the answer cost {0} bits with it and {1} bits without, but the bundled model reads it off there and calculates little, since the 102 in the working itself costs about {2} bits: press Escape in the editor and hover over it to see that.',
        formatDecimal(bits, 1),
        formatDecimal(withoutBits, 1),
        formatDecimal(inWorkingBits, 1),
      );
    }
    case 'task': {
      const [none, one, two, four] = exampleFigures.task.bitsAfter;
      return vscode.l10n.t(
        'Each line above is a worked example, so in the table the beginning of line 5 is none of them, of line 4 one, of line 3 two, and the whole context four: “wrote” costs the bundled model {0}, {1}, {2} and {3} bits, and nothing was trained in between.',
        formatDecimal(none, 1),
        formatDecimal(one, 1),
        formatDecimal(two, 1),
        formatDecimal(four, 1),
      );
    }
  }
}
