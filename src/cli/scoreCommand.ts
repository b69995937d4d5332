import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import envPaths from 'env-paths';
import { defaultBandEdges, presetOf } from '../core/band';
import { provenanceOf, summaryOf } from '../core/report';
import type { PreambleNote } from '../core/scores';
import { Vocabulary } from '../core/vocabulary';
import { childProcesses } from '../model/childProcess';
import { ModelClient } from '../model/client';
import { csvHeader, csvRows } from '../exports/csv';
import { html } from '../exports/html';
import { json, jsonLine } from '../exports/json';
import type { Report } from '../exports/report';
import { scoreLoaded } from '../model/scoreText';
import type { ScoreArguments } from './arguments';
import type { Input, Item } from './input';
import { pretty, prettyHeading, type Paint } from './pretty';

/** Language ids of file endings whose text is prose; every other ending is taken for code, and no ending for prose. */
const proseEndings: ReadonlyMap<string, string> = new Map([
  ['', 'plaintext'],
  ['.txt', 'plaintext'],
  ['.md', 'markdown'],
  ['.markdown', 'markdown'],
  ['.tex', 'latex'],
  ['.rst', 'restructuredtext'],
  ['.adoc', 'asciidoc'],
  ['.typ', 'typst'],
  ['.qmd', 'quarto'],
  ['.rmd', 'rmd'],
]);

/** Scores the texts one after another in a model process of its own, which is gone when this returns or throws. One report an item. */
export async function scoreCommand(
  request: ScoreArguments,
  items: readonly Item[],
  preamble: Input | undefined,
  signal: AbortSignal,
): Promise<Report[]> {
  const client = new ModelClient({ connect: childProcesses(path.join(__dirname, 'worker.js')), log: () => undefined, idleMs: 0 });
  const stop = () => {
    client.dispose();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const load = {
      folder: path.resolve(request.modelFolder ?? path.join(__dirname, '..', 'models', 'smollm2-135m-instruct')),
      dtype: request.dtype,
      threads: threadsOf(request),
      arena: true, // this is no Electron process, where it could be deadly
      device: 'cpu' as const,
      cacheFolder: envPaths('token-lens', { suffix: '' }).cache,
      snapshotBytes: 0, // nothing is edited here
    };
    const { contextTokens, overlapTokens, anchors, topCount, useStartToken, arithmetic } = request;
    const before = preamble && ({ kind: 'text', text: preamble.text } as const);
    const settings = { contextTokens, overlapTokens, anchors, topCount, useStartToken, watchWords: [], preamble: before };
    const description = await client.call('load', load, signal);
    const vocabulary = new Vocabulary(description.vocabulary);
    const reports: Report[] = [];
    for (const { item, source, text } of items) {
      const { table, gaps, bytes, result } = await scoreLoaded(client, description, text, settings, arithmetic, signal);
      reports.push({
        item,
        source,
        text,
        part: undefined,
        table,
        gaps,
        vocabulary,
        windows: result.windows,
        summary: summaryOf(table, bytes),
        provenance: provenanceOf(
          description,
          arithmetic,
          result.window,
          result.startTokenId,
          1,
          preamble && noteOf(preamble, result.preambleTokens),
        ),
        edges: defaultBandEdges[presetOf(proseEndings.get(path.extname(source ?? '').toLowerCase()) ?? '')],
      });
    }
    return reports;
  } finally {
    signal.removeEventListener('abort', stop);
    client.dispose();
  }
}

function noteOf({ file, text }: Input, tokens: number): PreambleNote {
  return { kind: 'text', name: path.basename(file), tokens, sha256: createHash('sha256').update(text).digest('hex') };
}

/** Processor cores in use. */
export function threadsOf({ threads }: ScoreArguments): number {
  return threads ?? os.availableParallelism();
}

/** The result as it goes to standard output or a file, in pieces. */
export function* written(reports: readonly Report[], request: ScoreArguments, paint: Paint): Generator<string> {
  const { format, level } = request;
  const isOne = request.files.length === 1 && !request.lines;
  if (format === 'csv') yield csvHeader(reports);
  for (const report of reports) {
    switch (format) {
      case 'json':
        yield* isOne ? json(report, level) : jsonLine(report, level);
        break;
      case 'csv':
        yield* csvRows(report, level);
        break;
      case 'html':
        yield* html(report);
        break;
      case 'pretty':
        if (!isOne) yield prettyHeading(report);
        yield* pretty(report, paint);
        break;
    }
  }
}
