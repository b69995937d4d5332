import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { DisposableStore } from '../../src/disposable';
import { LivePick } from '../../src/views/livePick';
import { browser } from './browser';
import { eventually } from './documents';

interface Entry extends vscode.QuickPickItem {
  readonly key: string;
}

describe('a list whose entries change while somebody moves in it', () => {
  const count = 12;
  const entries = (round: number): readonly Entry[] =>
    Array.from({ length: count }, (_, index) => ({
      key: String(index),
      label: `Entry ${String(index)}`,
      detail: `round ${String(round)}`,
    }));
  const marked = () =>
    browser.evaluate<string>(`document.querySelector('.quick-input-list .monaco-list-row.focused .label-name')?.textContent ?? ''`);

  it('loses no step, and the entry that Enter chooses is the one that is marked', async () => {
    const store = new DisposableStore();
    const pick = store.add(vscode.window.createQuickPick<Entry>());
    try {
      pick.items = entries(0);
      const live = new LivePick(pick, ({ key }) => key);
      const accepted = new Promise<Entry | undefined>(resolve => {
        pick.onDidAccept(() => {
          resolve(live.active);
        });
      });
      pick.show();
      await eventually('the first is marked', async () => (await marked()) === 'Entry 0');
      let rounds = 0;
      const changing = setInterval(() => {
        live.replace(entries(++rounds));
      }, 20);
      store.add({ dispose: () => clearInterval(changing) });
      for (let step = 1; step <= 5; step++) {
        await browser.press('ArrowDown');
        let sinceMs = performance.now();
        await eventually(`entry ${String(step)} is marked, and stays so`, async () => {
          if ((await marked()) !== `Entry ${String(step)}`) sinceMs = performance.now();
          return performance.now() - sinceMs > 500;
        });
      }
      assert.ok(rounds > 8);
      clearInterval(changing);
      await browser.press('ArrowUp');
      await browser.press('Enter');
      assert.equal((await accepted)?.key, '4');
    } finally {
      store.dispose();
    }
  });
});
