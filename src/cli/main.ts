import { once } from 'node:events';
import { readArguments, usage } from './arguments';
import { exitCodeOf, exitCodes, lineOf } from './failure';
import { readInput } from './input';
import { paintFor } from './pretty';
import { scoreCommand, written } from './scoreCommand';

/** Pieces are joined up to this length before they are written. */
const writeCharacters = 1 << 16;

async function run(words: readonly string[], signal: AbortSignal): Promise<void> {
  const request = readArguments(words);
  if (request.kind === 'help') return write([usage]);
  const text = await readInput(request.file, process.stdin);
  const report = await scoreCommand(request, text, signal);
  await write(written(report, request.format, paintFor(process.env, process.stdout.isTTY)));
}

/** Only the result comes here, and only when all of it is known to be right. */
async function write(pieces: Iterable<string>): Promise<void> {
  let held = '';
  for (const piece of pieces) {
    held += piece;
    if (held.length < writeCharacters) continue;
    if (!process.stdout.write(held)) await once(process.stdout, 'drain');
    held = '';
  }
  process.stdout.write(held);
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
