import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HubError } from './hubError';

/** In a folder that one window at a time works on. */
export const lockName = 'lock';
/** A lock that was not touched for that long was left by a process that died, and whose id another one may have by now. */
const lockLivesMs = 60_000;
const lockTouchedMs = 10_000;

/** Holds a folder against other windows, and against this one; gives what lets it go. Errors: 'in-progress'; those of the file system. */
export async function lock(folder: string): Promise<() => Promise<void>> {
  const file = path.join(folder, lockName);
  const own = `${process.pid} ${randomUUID()}`;
  if (!(await isTaken(file, own))) {
    if (!(await isTakenOver(folder, file, own))) throw inProgress();
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined); // the folder has just got its name
  }, lockTouchedMs);
  return async () => {
    clearInterval(touching);
    const held = await readFile(file, 'utf8').catch(() => undefined);
    if (held === own) await rm(file, { force: true });
  };
}

/** Whether a process that lives holds the folder. */
export async function isLocked(folder: string): Promise<boolean> {
  const file = path.join(folder, lockName);
  try {
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs > lockLivesMs) return false;
    process.kill(Number.parseInt(await readFile(file, 'utf8'), 10), 0); // only asks whether it runs
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs, and is another user's
  }
}

/** In place of a lock that nobody holds any more. One at a time: of two who find it, the second finds the lock of the first. */
async function isTakenOver(folder: string, file: string, own: string): Promise<boolean> {
  const gate = `${file}.gate`;
  try {
    await mkdir(gate);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const { mtimeMs } = await stat(gate).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > lockLivesMs) await rmdir(gate).catch(() => undefined); // its process has died: the next who asks gets through
    return false;
  }
  try {
    if (await isLocked(folder)) return false;
    await rm(file, { force: true });
    return await isTaken(file, own);
  } finally {
    await rmdir(gate);
  }
}

function inProgress(): HubError {
  return new HubError('in-progress', 'This model is being fetched, in this window or in another one.');
}

/** Makes the file if it is not there; false: it is. */
async function isTaken(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
