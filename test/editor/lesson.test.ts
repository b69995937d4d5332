import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { answerBits, type Answer } from '../../src/core/guessing';
import { formatBits } from '../../src/core/numberText';
import { browser } from './browser';
import { activated, closeAll, readWhen, untitled, useModel } from './documents';

/** The lesson's page as it is shown. */
interface ShownLesson {
  readonly heading: string;
  readonly place: string;
  readonly text: string;
  readonly feedback: string;
  readonly isRevealed: boolean;
  readonly focused: string;
  readonly rows: readonly (readonly string[])[];
  readonly screen: string;
  readonly figure: string;
  readonly notes: string;
  readonly main: string;
}

const readLesson = `(() => {
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  return {
    heading: text('h1'), place: text('.place'), text: text('.passage'), feedback: text('.feedback'),
    isRevealed: document.querySelector('#guess')?.readOnly === true, focused: document.activeElement?.id ?? '',
    rows: [...document.querySelectorAll('.results tbody tr')].map(row => [...row.querySelectorAll('th, td')].map(cell => cell.innerText.trim())),
    screen: text('#screen-title'), figure: text('.screen'), notes: text('.notes'), main: text('main'),
  };
})()`;

const paragraph = 'The harbour was quiet before dawn. Two fishermen sat on a crate.';

describe('the lesson of a user', function () {
  this.timeout(180_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
  });
  afterEach(async () => {
    await closeAll();
  });

  function lessonWhen(what: string, holds: (lesson: ShownLesson) => boolean): Promise<ShownLesson> {
    return readWhen(what, () => browser.evaluateInLesson<ShownLesson>(readLesson), holds, 60_000);
  }

  it('plays the paragraph at the cursor to its end by keyboard; both scores are those of the public scores', async () => {
    const { tokens } = await api.score((await untitled(paragraph)).uri);
    const document = await untitled(`# A heading\n\nAnother paragraph, before it.\n\n${paragraph}\n\nAnd one after it.`);
    const editor = await vscode.window.showTextDocument(document);
    const cursor = document.positionAt(document.getText().indexOf('fishermen'));
    editor.selection = new vscode.Selection(cursor, cursor);
    await vscode.commands.executeCommand('tokenLens.playGuessingGame');
    const first = Math.min(5, Math.floor(tokens.length / 4)); // are shown to begin with
    const asked = tokens.slice(first).filter(({ start, end }) => paragraph.slice(start, end).trim() !== '');
    const learner: Answer[] = [];
    for (const [index, token] of asked.entries()) {
      const place = `Token ${String(index + 1)} of ${String(asked.length)}`;
      const shown = await lessonWhen(place, each => each.place === place && !each.isRevealed);
      assert.equal(shown.focused, 'guess');
      assert.equal(shown.text.trim(), paragraph.slice(0, token.start).trim(), 'nothing of what is hidden, and all before it');
      const own = paragraph.slice(token.start, token.end).trim();
      // One is right at once, one at the second try, one is given up.
      const moves = [[own], ['zebra', own], ['']][index % 3] ?? [];
      for (const [move, guess] of moves.entries()) {
        if (guess !== '') await browser.type(guess);
        await browser.press('Enter');
        if (move < moves.length - 1) await lessonWhen('the wrong guess is told', each => each.feedback.includes(guess));
      }
      const right = moves.includes(own) ? moves.length : undefined;
      learner.push({ tries: right ?? 0, rightTry: right });
      await lessonWhen('the token is shown', each => each.isRevealed);
      if (index === 1) await browser.screenshot('lesson-revealed');
      await browser.press('Enter');
    }
    const end = await lessonWhen('the end', each => each.rows.length === 3);
    await browser.screenshot('lesson-end');

    const vocabularySize = 49_152;
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const surprisal = sum(asked.map(({ surprisalBits }) => surprisalBits ?? NaN));
    assert.deepEqual(
      end.rows.map(([, bits, perToken]) => [bits, perToken]).filter((_, row) => row !== 1),
      [sum(answerBits(learner, 3, vocabularySize)), surprisal].map(bits => [formatBits(bits), formatBits(bits / asked.length)]),
    );
    const counts = (answers: readonly Answer[]) => [1, 2, 3, undefined].map(wanted => String(answers.filter(({ rightTry }) => rightTry === wanted).length)); // prettier-ignore
    assert.deepEqual(end.rows[0]?.slice(3), counts(learner));
    // The rank says most of what the model's guesses were: a token of rank 1 is its first.
    const guesses = Number(end.rows[1]?.[3]);
    assert.ok(guesses >= asked.filter(({ rank }) => rank === 1).length, `${String(guesses)} first guesses`);
    assert.equal(sum((end.rows[1] ?? []).slice(3).map(Number)), asked.length);
    // Bits do not depend on the order of the answers.
    const answers = (end.rows[1] ?? []).slice(3).flatMap((count, index) => {
      const answer: Answer = index < 3 ? { tries: index + 1, rightTry: index + 1 } : { tries: 3, rightTry: undefined };
      return Array.from({ length: Number(count) }, () => answer);
    });
    assert.equal(end.rows[1]?.[1], formatBits(sum(answerBits(answers, 3, vocabularySize))));
  });

  it('comes back as it was after it was hidden, and says that the document has changed', async () => {
    const document = await untitled(paragraph);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.playGuessingGame');
    await lessonWhen('it has begun', each => each.place.startsWith('Token 1 of'));
    await browser.type('zebra');
    await browser.press('Enter');
    await lessonWhen('the guess is told', each => each.feedback.includes('zebra'));
    const editor = await vscode.window.showTextDocument(document); // over the lesson
    await editor.edit(edit => edit.insert(new vscode.Position(0, 5), 'old '));
    await vscode.commands.executeCommand('workbench.action.previousEditor');
    const again = await lessonWhen('it is there again', each => each.notes.includes('has changed'));
    assert.match(again.feedback, /zebra.*2 tries are left/);
    await browser.press('Escape');
    await lessonWhen('it is over', each => each.main.includes('No token was played.'));
  });

  it('takes what is selected, says where a long passage stops, goes on to another, and leaves out what the settings leave out', async () => {
    const next = 'By noon the wind had turned, and the harbour was full of noise again, as it had been.';
    const long = Array.from({ length: 20 }, () => paragraph).join(' ');
    const document = await untitled(`${long}\n\nshort\n\n${next}`);
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(new vscode.Position(0, 0), document.positionAt(long.length));
    await vscode.commands.executeCommand('tokenLens.playGuessingGame');
    const game = await lessonWhen('the selection is played', each => each.place.startsWith('Token 1 of'));
    assert.match(game.heading, /Selection in/);
    assert.match(game.notes, /the first 150 tokens of the passage/);
    assert.ok(Number(/of (\d+)/.exec(game.place)?.[1]) <= 145, game.place);
    await browser.press('Escape');
    await lessonWhen('it is over', each => each.main.includes('No token was played.'));
    await browser.press('Tab');
    await browser.press('Tab');
    await browser.press('Enter');
    const other = await lessonWhen('another passage', each => each.heading.includes('line 5') && each.place.startsWith('Token 1 of'));
    assert.ok(next.startsWith(other.text.trim()), other.text);
    assert.equal(other.notes.trim(), '');

    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('skipLanguages', ['plaintext'], vscode.ConfigurationTarget.Global);
    try {
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('tokenLens.playGuessingGame');
      await lessonWhen('the reason', each => each.main.includes('This language is skipped'));
    } finally {
      await settings.update('skipLanguages', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('shows five screens made of the text, and leads to the game', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('tokenLens.showTour');
    const titles = ['Tokens', 'The distribution', 'Surprise', 'Sampling', 'Context'];
    for (const [index, title] of titles.entries()) {
      const { figure, place, heading } = await lessonWhen(title, each => each.screen === title);
      assert.equal(place, `${String(index + 1)} of 5`);
      assert.match(heading, /Sample text/);
      assert.match(figure, [/harbour/, /everything else/, /bits in all/, /Drawn with seed 1/, /2 tokens before it/][index] ?? /never/);
      await browser.screenshot(`tour-${String(index + 1)}`);
      await browser.press(index < 4 ? 'ArrowRight' : 'Enter');
    }
    const { text } = await lessonWhen('the game', each => each.place.startsWith('Token 1 of'));
    assert.match(text, /^The harbour was quiet/);
  });
});
