import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { eventually, tokensRunAtRest } from './documents';

/** What all notifications say, '' where there are none. */
export async function notices(): Promise<string> {
  await vscode.commands.executeCommand('notifications.showList'); // a toast may be held back while the window has no focus
  // The page may keep the line of the last one, which is gone.
  return browser.evaluate<string>(
    `(() => { const center = document.querySelector('.notifications-center'); if (!center || center.querySelector('.notifications-center-header-title').textContent === 'No new notifications') return ''; return [...center.querySelectorAll('.notification-list-item-message')].map(message => message.innerText).join('\\n'); })()`,
  );
}

export async function clearNotices(): Promise<void> {
  await vscode.commands.executeCommand('notifications.clearAll');
  await vscode.commands.executeCommand('notifications.hideList');
}

/** Waits until the model works for what a notification says is being done, clicks its Cancel, and waits until the model has nothing to do. */
export async function cancelled(api: TokenLensApi, title: string): Promise<void> {
  const tokensRun = async () => (await api.measure()).model?.tokensRun ?? 0;
  const before = await tokensRun();
  await eventually('the model works for it', async () => (await notices()).includes(title) && (await tokensRun()) > before, 60_000);
  await browser.screenshot(`cancel-${title.slice(-6)}`);
  await browser.click('.notifications-center .notification-list-item-buttons-container .monaco-button');
  await tokensRunAtRest(api);
}
