/** Usage: node report.js RESULTS.json ENGINE.json PANEL.json EDITOR.json: prints the table, writes RESULTS.json; exit code 1 where a budget is missed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { EditorRun } from './editor';
import { extremes, median, ratioLine, verdictOf } from './measure';
import type { Budget, Line } from './measure';

function main([resultsFile = '', engineFile = '', panelFile = '', editorFile = '']: readonly string[]): void {
  const engine = JSON.parse(readFileSync(engineFile, 'utf8')) as readonly Line[];
  const panel = JSON.parse(readFileSync(panelFile, 'utf8')) as readonly Line[];
  const editor = JSON.parse(readFileSync(editorFile, 'utf8')) as readonly EditorRun[];
  const lines = [...engine, ...panel, ...editorLines(editor)];
  const judged = lines.map(line => ({ ...line, verdict: verdictOf(line) }));
  const machine = { processor: cpus()[0]?.model ?? '', cores: availableParallelism(), platform: `${process.platform}-${process.arch}` };
  writeFileSync(resultsFile, `${JSON.stringify({ machine, node: process.versions.node, lines: judged }, undefined, 2)}\n`);
  const missed = judged.filter(({ verdict }) => verdict === 'MISS');
  const out = [
    `\n${machine.processor}, ${machine.cores} cores, ${machine.platform}, Node ${process.versions.node}`,
    'Ratios are of medians of interleaved rounds; in brackets what is allowed for noise.\n',
    ...lines.flatMap(tableRows),
    '',
    missed.length === 0 ? 'Every budget is met.' : `${missed.length} budgets missed: ${missed.map(({ what }) => what).join('; ')}.`,
    '',
  ];
  process.stdout.write(out.join('\n'));
  process.exitCode = missed.length > 0 ? 1 : 0;
}

function editorLines(runs: readonly EditorRun[]): Line[] {
  const activations = runs.map(({ activationMs }) => activationMs);
  const colours = runs.map(({ firstColoursMs }) => firstColoursMs / 1000);
  const lines: Line[] = [
    {
      what: 'activation, no model loaded, as VS Code times it',
      value: median(activations),
      unit: 'ms',
      budget: { atMost: 50, noise: 5 },
      n: runs.length,
      spread: extremes(activations),
    },
    {
      what: 'first colours after the first click, cold, 20,000 tokens',
      value: median(colours),
      unit: 's',
      budget: { atMost: 4, noise: 0.2 },
      n: runs.length,
      spread: extremes(colours),
      note: 'half the cores, lowered priority, as by default',
    },
  ];
  for (const { session } of runs) {
    if (!session) continue;
    const { host, characters, hovers, ghostText } = session;
    const longest = Object.entries(host.longestMs).map(([kind, ms]) => `${kind} ${ms.toFixed(1)}`);
    lines.push({
      what: 'longest synchronous piece of our code in the extension host, 99.9th percentile',
      value: host.p999Ms,
      unit: 'ms',
      budget: { atMost: 16, noise: 2 },
      n: host.pieces,
      note: `${characters} characters typed, ${hovers} hovers, scrolling, 20,000 tokens; longest of each kind in ms: ${longest.join(', ')}`,
    });
    // What is left of it without the time in which other programs had the processor.
    lines.push({ what: '... on the processor', value: host.p999CpuMs, unit: 'ms', n: host.pieces });
    const ghostLine = (what: string, when: 'cold' | 'again', budget: Budget) => {
      const times = ghostText.map(both => both[when]);
      const tokens = median(times.map(({ tokensRun }) => tokensRun));
      lines.push(
        ratioLine(
          what,
          times.map(({ shownMs }) => shownMs),
          times.map(({ bareMs }) => bareMs),
          { budget, note: `${String(tokens)} tokens run, median` },
        ),
      );
    };
    ghostLine('from key press to ghost text / a bare loop of the same calls, a text not read before', 'cold', { atMost: 1.5, noise: 0.05 });
    // A tenth of a second, of which VS Code's own way from key to screen is a large part.
    ghostLine('... asked again at the same place, from kept caches', 'again', { atMost: 1.5, noise: 0.05 });
  }
  return lines;
}

function tableRows(line: Line): string[] {
  const { what, value, unit, budget, mediansMs, n, spread, note } = line;
  const verdict = verdictOf(line);
  const details = [
    mediansMs && `${mediansMs.map(ms => Math.round(ms).toLocaleString('en')).join(' / ')} ms`,
    n > 1 ? `n = ${n.toLocaleString('en')}` : undefined,
    spread && `${spread.of} ${numberIn(unit, spread.low)} and ${numberIn(unit, spread.high)}`,
    note,
  ].filter(detail => detail !== undefined);
  const limit = budget && `${budget.atMost === undefined ? '>=' : '<='} ${numberIn(unit, budget.atMost ?? budget.atLeast ?? NaN)}`;
  const noise = budget && budget.noise > 0 ? ` (${numberIn(unit, budget.noise)})` : '';
  const columns = [verdict.padEnd(12), `${numberIn(unit, value)} ${unit}`.padStart(14), `${limit ?? ''}${noise}`.padStart(16)];
  return [`${columns.join('  ')}  ${what}`, ...(details.length > 0 ? [`${' '.repeat(48)}  ${details.join('; ')}`] : [])];
}

function numberIn(unit: Line['unit'], value: number): string {
  const digits = unit === 'x' ? (Math.abs(value) < 0.1 ? 3 : 2) : unit === 's' ? 1 : unit === 'ms' && value < 100 ? 1 : 0;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

main(process.argv.slice(2));
