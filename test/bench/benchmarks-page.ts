import { table } from '../../scripts/docs/markdown-table.ts';
import type { MeasuredTarget, Section, SectionReport, Target } from './section.ts';

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

const TARGET_COLUMNS = ['what', 'to reach', 'measured', 'by round', ''];

const targetTable = (targets: readonly Target[]): string =>
  table(TARGET_COLUMNS, targets.map(targetRow));

const targetRow = (target: Target): string[] =>
  'notMeasured' in target
    ? [target.what, target.reach, '–', '', 'not measured']
    : [
        target.what,
        target.reach,
        target.got,
        target.byRound ?? '',
        target.isReached ? 'reached' : `falls short by ${target.missedBy}`,
      ];

/** What was reached, what falls short and why, and what this run says nothing of. */
function targetWords(targets: readonly Target[]): string {
  const measured = targets.filter(isMeasured);
  const missed = measured.filter(({ isReached }) => !isReached);
  const first =
    missed.length === 0
      ? `All ${measured.length} figures that were measured are reached in this run.`
      : `${measured.length - missed.length} of ${measured.length} figures are reached in this run.`;
  return [
    first,
    ...missed.map(
      ({ what, missedBy, reason }) =>
        `- ${what} falls short by ${missedBy}.${reason === undefined ? '' : ` ${reason}`}`,
    ),
    ...unmeasured(targets),
  ].join('\n');
}

function isMeasured(target: Target): target is MeasuredTarget {
  return !('notMeasured' in target);
}

/** One line for each reason. */
function unmeasured(targets: readonly Target[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const target of targets) {
    if (!('notMeasured' in target)) continue;
    byReason.set(target.notMeasured, [...(byReason.get(target.notMeasured) ?? []), target.what]);
  }
  return [...byReason].map(
    ([reason, whats]) => `- Not measured in this run: ${whats.join('; ')}. ${reason}`,
  );
}

/** The same for a terminal. */
export function sectionText({ section, report, seconds }: MeasuredSection): string {
  const parts = report.tables.map(
    ({ columns, rows, says }) => `${columnsText(columns, rows)}\n${says}`,
  );
  const { targets = [] } = report;
  if (targets.length > 0) {
    parts.push(`${columnsText(TARGET_COLUMNS, targets.map(targetRow))}\n${targetWords(targets)}`);
  }
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
