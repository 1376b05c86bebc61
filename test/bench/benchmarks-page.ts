import { table } from '../../scripts/docs/markdown-table.ts';
import type { Section, SectionReport, Target } from './section.ts';

export interface MeasuredSection {
  readonly section: Pick<Section, 'name' | 'title'>;
  readonly report: SectionReport;
  readonly seconds: number;
}

/** docs/BENCHMARKS.md, not yet formatted. */
export function benchmarksPage(
  sections: readonly MeasuredSection[],
  surroundings: readonly (readonly [string, string])[],
): string {
  const targets = sections.flatMap(({ report }) => report.targets ?? []);
  return [
    '# Benchmarks',
    'Written by `npm run bench`; not to be edited. Keep the ratios, not the times: contenders take turns within one run, so what the machine does besides falls on all of them. A figure is the median of all calls; «by round» is the least and the greatest of the rounds’ own medians, and shows how much the machine wavered.',
    table(['measured on', ''], surroundings),
    '## Figures to reach',
    targetTable(targets),
    targetWords(targets),
    ...sections.flatMap(sectionParts),
  ].join('\n\n');
}

function sectionParts({ section, report }: MeasuredSection): string[] {
  return [
    `## ${section.title}`,
    ...(report.plots ?? []).map(({ file, alt }) => `![${alt}](benchmarks/${file})`),
    ...report.tables.flatMap(({ columns, rows, says }) => [table(columns, rows), says]),
    report.method,
  ];
}

function targetTable(targets: readonly Target[]): string {
  return table(
    ['what', 'to reach', 'measured', ''],
    targets.map(({ what, reach, got, isReached, missedBy }) => [
      what,
      reach,
      got,
      isReached ? 'reached' : `missed by ${missedBy}`,
    ]),
  );
}

function targetWords(targets: readonly Target[]): string {
  const missed = targets.filter(({ isReached }) => !isReached);
  if (missed.length === 0) return `All ${targets.length} figures are reached in this run.`;
  return `${missed.length} of ${targets.length} figures are missed in this run: ${missed
    .map(({ what, missedBy }) => `${what} (by ${missedBy})`)
    .join('; ')}.`;
}

/** The same for a terminal. */
export function sectionText({ section, report, seconds }: MeasuredSection): string {
  const parts = report.tables.map(
    ({ columns, rows, says }) => `${columnsText(columns, rows)}\n${says}`,
  );
  return [`\n${section.title} (${seconds.toFixed(0)} s)`, ...parts].join('\n\n');
}

function columnsText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
