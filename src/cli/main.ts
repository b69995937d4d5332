import { once } from 'node:events';
import { readArguments, usage } from './arguments';
import { exitCodeOf, exitCodes, lineOf } from './failure';
import { itemsOf, readInputs } from './input';
import { checkOut, chunksOf, sideFileOf, writeOut } from './output';
import { paintFor } from './pretty';
import { scoreCommand, written } from './scoreCommand';

async function run(words: readonly string[], signal: AbortSignal): Promise<void> {
  const request = readArguments(words);
  if (request.kind === 'help') return write([usage]);
  if (request.out !== undefined)
    checkOut(request.out, request.preamble === undefined ? request.files : [...request.files, request.preamble]);
  const inputs = await readInputs(request.files, process.stdin);
  const [preamble] = request.preamble === undefined ? [] : await readInputs([request.preamble], process.stdin);
  const reports = await scoreCommand(request, itemsOf(inputs, request.lines), preamble, signal);
  if (request.out === undefined) return write(written(reports, request, paintFor(process.env, process.stdout.isTTY)));
  writeOut(request.out, written(reports, request, 'plain'), sideFileOf(request, inputs, reports));
}

/** Only the result comes here, and only when all of it is known to be right. */
async function write(pieces: Iterable<string>): Promise<void> {
  for (const chunk of chunksOf(pieces)) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

const stopping = new AbortController();
for (const [name, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(name, () => {
    stopping.abort(); // ends the model process at once
    process.exit(128 + number); // a read of a pipe that nobody writes to would keep us for ever
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has seen enough (`| head`): not an error of ours.
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  process.stderr.write(lineOf(error));
  process.exit(exitCodes.failed);
});

run(process.argv.slice(2), stopping.signal).catch((error: unknown) => {
  process.exitCode = exitCodeOf(error);
  process.stderr.write(lineOf(error));
});
