import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { BaselineAnswer, BaselineCall } from './baselines';

/** The reference programs, in a process of their own. */
export class Baselines {
  readonly #child: ChildProcess = fork(path.join(__dirname, 'baselines.js'), [], {
    cwd: path.join(__dirname, '../..'),
    serialization: 'advanced',
    execArgv: [],
  });

  async call(call: BaselineCall): Promise<BaselineAnswer> {
    return new Promise((resolve, reject) => {
      const exited = () => {
        reject(new Error('The process of the reference programs ended.'));
      };
      this.#child.once('exit', exited);
      this.#child.once('message', answer => {
        this.#child.off('exit', exited);
        resolve(answer as BaselineAnswer);
      });
      this.#child.send(call);
    });
  }

  stop(): void {
    this.#child.kill();
  }
}
