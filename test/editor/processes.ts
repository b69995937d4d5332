import { execFileSync } from 'node:child_process';

/** Model processes of an extension host that run `worker`. */
export function processes(worker = 'worker.js', host = process.pid): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(host), '-f', worker], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return []; // it found none
  }
}

export function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
