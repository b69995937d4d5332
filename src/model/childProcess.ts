import { fork } from 'node:child_process';
import os from 'node:os';
import type { Transport } from './rpc';

/** Why the other side is gone. `bySignal`: it did not end by itself; most likely it wanted more memory than it could have. */
export interface Exit {
  readonly reason: string;
  readonly bySignal: boolean;
}

/** A model process that was started, as a client sees it: anything that carries messages can stand in for a child process. */
export interface ModelConnection extends Transport {
  /** For logs and measurements; undefined where there is none. */
  readonly processId: number | undefined;
  /** Called once, whatever the reason; also when a message cannot be delivered. */
  onExit(listener: (exit: Exit) => void): void;
  /** Ends the other side at once, in the middle of a run as well. */
  end(): void;
}

/** Starts a model process that runs at most `chunkTokens` tokens in one go. */
export type Connect = (chunkTokens: number) => ModelConnection;

/** Between a channel that is closed and the end of the process that did so. */
const closingMs = 500;

/** Child processes that run the bundle at `workerPath`; `lowPriority`: they give way to everything else on the machine. */
export function childProcesses(workerPath: string, { lowPriority = false } = {}): Connect {
  return chunkTokens => {
    const child = fork(workerPath, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'], // a native library's messages could hold people's text
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', TOKEN_LENS_CHUNK_TOKENS: String(chunkTokens) },
    });
    if (lowPriority && child.pid !== undefined) lowerPriority(child.pid);
    let exit: Exit | undefined;
    const listeners: ((exit: Exit) => void)[] = [];
    const exited = (reason: string, bySignal: boolean) => {
      if (exit) return;
      exit = { reason, bySignal };
      for (const listener of listeners) listener(exit);
    };
    const end = () => {
      child.kill('SIGKILL'); // ending a thread or asking politely in the middle of a run aborts the process with a crash report
    };
    const closed = () => {
      exited('its channel is closed', false);
      end();
    };
    child.once('exit', (code, signal) => {
      exited(signal ?? `code ${String(code)}`, signal !== null);
    });
    // A process that has closed its channel is of no use. One that is about to end is given the time to say why.
    child.once('disconnect', () => {
      setTimeout(closed, closingMs).unref();
    });
    // Every time: an error that nobody listens for would end the process that we run in.
    child.on('error', error => {
      exited(error.message, false);
      end();
    });
    return {
      processId: child.pid,
      post: message => {
        child.send(message as object, error => {
          if (error) setTimeout(closed, closingMs).unref();
        });
      },
      onMessage: listener => {
        child.on('message', listener);
      },
      onExit: listener => {
        if (exit) listener(exit);
        else listeners.push(listener);
      },
      end,
    };
  };
}

function lowerPriority(processId: number): void {
  try {
    os.setPriority(processId, os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // not allowed here, or the process is already gone: it then runs as any other
  }
}
