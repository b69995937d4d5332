import os from 'node:os';
import path from 'node:path';
import envPaths from 'env-paths';
import { defaultBandEdges, presetOf } from '../core/band';
import { provenanceOf, summaryOf } from '../core/report';
import { Vocabulary } from '../core/vocabulary';
import { childProcesses } from '../model/childProcess';
import { ModelClient } from '../model/client';
import { scoreText } from '../model/scoreText';
import type { ScoreArguments } from './arguments';
import { csv } from './csv';
import { html } from './html';
import { json } from './json';
import { pretty, type Paint } from './pretty';
import type { Report } from './report';

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

/** Scores the text in a model process of its own, which is gone when this returns or throws. */
export async function scoreCommand(request: ScoreArguments, text: string, signal: AbortSignal): Promise<Report> {
  const client = new ModelClient({ connect: childProcesses(path.join(__dirname, 'worker.js')), log: () => undefined, idleMs: 0 });
  const stop = () => {
    client.dispose();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const load = {
      folder: path.resolve(request.modelFolder ?? path.join(__dirname, '..', 'models', 'smollm2-135m-instruct')),
      dtype: request.dtype,
      threads: request.threads ?? os.availableParallelism(),
      arena: true, // this is no Electron process, where it could be deadly
      cacheFolder: envPaths('token-lens', { suffix: '' }).cache,
      snapshotBytes: 0, // nothing is edited here
    };
    const { contextTokens, overlapTokens, anchors, topCount, useStartToken, arithmetic } = request;
    const scored = await scoreText(
      client,
      load,
      text,
      { contextTokens, overlapTokens, anchors, topCount, useStartToken, watchWords: [] },
      arithmetic,
      signal,
    );
    const { description, table, gaps, bytes, result } = scored;
    const source = request.file === '-' ? undefined : path.basename(request.file);
    return {
      source,
      text,
      table,
      gaps,
      vocabulary: new Vocabulary(description.vocabulary),
      startTokenId: result.startTokenId,
      window: result.window.contextTokens,
      stride: result.window.contextTokens - result.window.overlapTokens,
      windows: result.windows,
      summary: summaryOf(table, bytes),
      provenance: provenanceOf(description, arithmetic, result.window, result.startTokenId, 1),
      edges: defaultBandEdges[presetOf(proseEndings.get(path.extname(source ?? '').toLowerCase()) ?? '')],
    };
  } finally {
    signal.removeEventListener('abort', stop);
    client.dispose();
  }
}

/** The result as it goes to standard output, in pieces. */
export function written(report: Report, format: ScoreArguments['format'], paint: Paint): Iterable<string> {
  switch (format) {
    case 'json':
      return json(report);
    case 'csv':
      return csv(report);
    case 'html':
      return html(report);
    case 'pretty':
      return pretty(report, paint);
  }
}
