/** Usage: node report.js RESULTS.json LINES.json...: prints the table, writes RESULTS.json; exit code 1 where a budget is missed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { verdictOf } from './measure';
import type { Line } from './measure';

function main([resultsFile = '', ...files]: readonly string[]): void {
  const lines = files.flatMap(file => JSON.parse(readFileSync(file, 'utf8')) as readonly Line[]);
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
