import type { ModelPackage } from '../../inference/package/read-package.ts';
import type { BenchAdvice, BenchFigures } from './bench-figures.ts';
import { spreadOf } from './bench-figures.ts';
import { layoutText } from './layouts.ts';

/** Rounds further apart than this part of their median are no basis for small differences. */
const NOISY = 0.15;
const FEW_FOR_P99 = 100;

export interface BenchReport {
  readonly model: Pick<ModelPackage, 'manifest'>;
  readonly named: string;
  readonly cores: number;
  readonly processor: string;
  readonly origin: string;
  readonly rounds: number;
  readonly secondsPerRound: number;
  readonly figures: readonly BenchFigures[];
  readonly memory: readonly { readonly variant: string; readonly megabytes: number }[];
  readonly refused: readonly { readonly variant: string; readonly reason: string }[];
  readonly advice: BenchAdvice;
}

/** What `vedette model bench` prints for people. */
export function renderBench(report: BenchReport): string {
  const { model, figures, advice, rounds, secondsPerRound } = report;
  const { name, version } = model.manifest;
  const rows = figures.map((one) => [
    one.variant,
    layoutText(one.layout),
    `${one.picturesPerSecond.toFixed(1)} (${one.slowestRound.toFixed(1)}–${one.fastestRound.toFixed(1)})`,
    ...[one.p50Ms, one.p95Ms, one.p99Ms, one.prepareMs, one.runMs, one.decodeMs].map((value) =>
      value.toFixed(1),
    ),
    String(one.pictures),
  ]);
  const head = ['variant', 'workers × threads', 'pictures a second', 'p50', 'p95', 'p99'];
  const sections = [
    `${name} ${version} on ${report.cores} × ${report.processor}\n` +
      `${report.origin}\n` +
      `${rounds} rounds of ${secondsPerRound} s for each, taking turns, each after a warm-up; times in milliseconds\n`,
    table([[...head, 'prepare', 'run', 'decode', 'pictures'], ...rows]),
    'p50, p95, p99: from the bytes of a picture to its findings, with as many under way as there are\n' +
      'workers. prepare (decoding the picture included), run (ONNX Runtime), decode: medians. In brackets: the\n' +
      'slowest and the fastest round.\n' +
      (figures.some(({ pictures }) => pictures < FEW_FOR_P99)
        ? `p99 of fewer than ${FEW_FOR_P99} pictures is the longest of them: measure longer with --seconds.\n`
        : ''),
    `Memory of a process with one worker: ${report.memory.map(({ variant, megabytes }) => `${variant} ${megabytes} MB`).join(', ')}\n`,
    ...report.refused.map(({ variant, reason }) => `${variant} was not measured: ${reason}\n`),
    noiseText(figures),
    adviceText(report, advice),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function noiseText(figures: readonly BenchFigures[]): string {
  const noisy = figures.reduce((most, one) => (spreadOf(one) > spreadOf(most) ? one : most));
  const spread = spreadOf(noisy);
  if (spread <= NOISY) return '';
  return `The rounds lie up to ${(spread * 100).toFixed(0)} % apart (${noisy.variant}, ${layoutText(noisy.layout)}): the machine had other work, or its clock changed. Measure again when it is quiet before you rely on small differences.\n`;
}

function adviceText({ named }: BenchReport, { best, reason, quickest }: BenchAdvice): string {
  const { variant, layout, picturesPerSecond } = best;
  const lines = (one: BenchFigures) =>
    `  models:\n    <name>:\n      package: ${named}\n      variant: ${one.variant}\n      workers: ${one.layout.workers}\n      threadsPerWorker: ${one.layout.threads}\n`;
  const shortest = quickest
    ? `\nA single picture is answered soonest by ${quickest.variant}, ${layoutText(quickest.layout)}: ${quickest.p50Ms.toFixed(1)} ms instead of ${best.p50Ms.toFixed(1)} ms (p50).\n`
    : '';
  return (
    `Run ${variant} with ${layoutText(layout)} (${picturesPerSecond.toFixed(1)} pictures a second): ${reason}.\n\n` +
    lines(best) +
    shortest
  );
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      );
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}
