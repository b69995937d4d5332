import assert from 'node:assert/strict';
import http from 'node:http';

/** The window that the tests run in, as a person has it: what it shows, the mouse and the keyboard. See test/host/control.mjs. */
export const browser = {
  /** A line on the terminal that runs the tests. */
  log: (line: string) => request<null>('log', line),
  /** What VS Code itself says of its processes: why one has ended. */
  events: () => request<string>('events', ''),
  /** Evaluates an expression in the workbench's page; its value must be JSON. */
  evaluate: <T>(expression: string) => request<T>('evaluate', expression),
  /** The same inside our panel's page. */
  evaluateInWebview: <T>(expression: string) => request<T>('evaluateInWebview', expression),
  /** The same inside the report's page. */
  evaluateInReport: <T>(expression: string) => request<T>('evaluateInReport', expression),
  /** The same inside the lesson's page. */
  evaluateInLesson: <T>(expression: string) => request<T>('evaluateInLesson', expression),
  /** The same inside the page about one prediction. */
  evaluateInExplain: <T>(expression: string) => request<T>('evaluateInExplain', expression),
  /** A page of the report stands in the window; a closed one does for a moment. */
  hasReport: () => request<boolean>('hasReport', ''),
  press: (key: string) => request<null>('press', key),
  type: (text: string) => request<null>('type', text),
  /** In one go, as a paste. */
  insert: (text: string) => request<null>('insert', text),
  click: (selector: string) => request<null>('click', selector),
  hover: (selector: string) => request<null>('hover', selector),
  /** Takes the focus from the window as another program does, or gives it back. */
  focus: (where: 'away' | 'back') => request<null>('focus', where),
  moveMouse: (x: number, y: number) => request<null>('moveMouse', '', { x, y }),
  /** Types on when nobody is there any more who has asked for it; the last key when an expression is true in the workbench's page. */
  goOnTyping: (text: string, pauseMs: number, lastWhen: string) => request<null>('goOnTyping', text, { pauseMs, lastWhen }),
  /** Restarts the extension hosts where a file has not come after so long: for when nobody is there any more to see it. */
  restartUnless: (file: string, pauseMs: number) => request<null>('restartUnless', file, { pauseMs }),
  /** Taken only where the run was given a folder for pictures, and after a pause where something fades or slides in. */
  screenshot: (name: string, pauseMs = 0) => request<null>('screenshot', name, { pauseMs }),
  /** Of one element, at most so high. */
  screenshotOf: (name: string, selector: string, heightPixels = Infinity) =>
    request<null>('screenshotOf', `${name}\n${selector}`, { y: Math.min(heightPixels, 10_000) }),
};

interface Options {
  readonly x?: number;
  readonly y?: number;
  readonly pauseMs?: number;
  readonly lastWhen?: string;
}

function request<T>(command: string, argument: string, options?: Options): Promise<T> {
  const address = process.env['TOKEN_LENS_CONTROL'];
  assert.ok(address, 'Run these tests by npm test: they need the host in test/host.');
  return new Promise((resolve, reject) => {
    const call = http.request(address, { method: 'POST' }, response => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const answer = JSON.parse(Buffer.concat(parts).toString()) as { readonly result: T; readonly error?: string };
        if (answer.error === undefined) resolve(answer.result);
        else reject(new Error(`${command}: ${answer.error}`));
      });
    });
    call.on('error', reject);
    call.end(JSON.stringify({ command, argument, options }));
  });
}
