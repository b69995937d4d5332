import * as vscode from 'vscode';
import { browser } from './browser';
import { comesTrue, eventually } from './documents';
import { editorHasFocus } from './screen';

/** Runs in the page: what the list that is open offers, and which entry is marked. */
const entries = `[...document.querySelectorAll('.quick-input-widget:not([style*="display: none"]) .quick-input-list .monaco-list-row')].map(row => ({ text: row.innerText, label: row.querySelector('.label-name')?.innerText ?? '', checked: row.querySelector('.codicon-check') !== null, focused: row.classList.contains('focused') }))`;
export interface Entry {
  readonly text: string;
  readonly label: string;
  readonly checked: boolean;
  readonly focused: boolean;
}

/** Opens a list as the palette does, once the editor has the focus: a focus that comes later would close the list. */
export async function list(command: string): Promise<readonly Entry[]> {
  let shown: readonly Entry[] = [];
  const isOpen = async () => (shown = await listed()).some(({ focused }) => focused);
  for (let tries = 0; tries < 4; tries++) {
    await editorHasFocus();
    void vscode.commands.executeCommand(`tokenLens.${command}`);
    if (await comesTrue(isOpen, 10_000)) return shown;
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
  }
  throw new Error(`The list of ${command} does not open.`);
}

/** What the list that is open offers now. */
export function listed(): Promise<readonly Entry[]> {
  return browser.evaluate<readonly Entry[]>(entries);
}

export async function isClosed(): Promise<void> {
  await eventually('the list is closed', async () => (await listed()).length === 0);
}

/** Moves through the list by keys until an entry has the focus. */
export async function moveTo(label: string): Promise<void> {
  for (let step = 0; step < 12; step++) {
    const marked = async () => JSON.stringify((await listed()).filter(({ focused }) => focused));
    const before = await marked();
    if ((JSON.parse(before) as readonly Entry[])[0]?.label.trim() === label) return;
    await browser.press('ArrowDown');
    await comesTrue(async () => (await marked()) !== before, 1_000);
  }
  throw new Error(`${label} is not in the list: ${JSON.stringify(await browser.evaluate(entries))}`);
}

export async function choose(command: string, label: string): Promise<void> {
  await list(command);
  await moveTo(label);
  await browser.press('Enter');
  await isClosed();
}
