import { createContext, Script } from 'node:vm';

const script = new Script('run()');
/** One for all: making one takes longer than most of what is run. */
const globals: { run: () => void } = { run: () => undefined };
const context = createContext(globals);

/**
 * Runs something synchronous and ends it after so long; undefined: it was ended. Nothing else ends a regular expression that goes back and
 * forth for ever. Not to be called by what it runs.
 */
export function withinTime<R>(limitMs: number, run: () => R): { readonly result: R } | undefined {
  let done: { readonly result: R } | undefined;
  globals.run = () => {
    done = { result: run() };
  };
  try {
    script.runInContext(context, { timeout: Math.ceil(limitMs) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return undefined;
  } finally {
    globals.run = () => undefined; // holds people's text
  }
  return done;
}
