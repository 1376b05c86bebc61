import { configurationLines } from './configuration-lines.ts';
import { misjudged } from './evaluation.ts';
import type { Evaluation } from './evaluation.ts';
import { inWords, share, thresholdRows } from './evaluation-words.ts';

const MOST_NAMED = 20;
const MOST_CATEGORIES = 30;

/** What `vedette model evaluate` prints for people. */
export function renderEvaluation(evaluation: Evaluation): string {
  const { model, good, bad, score, areaUnderRoc, failures, repeated } = evaluation;
  const left = [
    ...(failures.length > 0 ? [`${failures.length} could not be judged`] : []),
    ...(repeated.length > 0 ? [`${repeated.length} were there twice and count once`] : []),
  ];
  const sections = [
    `${model.name} ${model.version}, ${model.variant}: ${good} good and ${bad} bad pictures${left.length > 0 ? `; ${left.join(', ')}` : ''}\n` +
      `judged by the ${score.meaning}; AUROC ${areaUnderRoc.toFixed(3)}\n`,
    table([
      ['threshold', '', 'escapes: bad pictures that pass', 'false rejects'],
      ...thresholdRows(evaluation).map((row) => [
        row.threshold,
        row.note,
        row.escapes,
        row.falseRejects,
      ]),
    ]),
    'In brackets: the share here, and where the true share lies with 95 % confidence (Wilson).\n',
    `${inWords(evaluation).join('\n')}\n`,
    categoryTable(evaluation),
    misjudgedList(evaluation),
    `To judge at the suggested threshold, put into the configuration:\n\n${indent(configurationLines(evaluation))}`,
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function categoryTable({ categories, current, suggested }: Evaluation): string {
  if (categories.length <= 2) return '';
  const rows = categories
    .slice(0, MOST_CATEGORIES)
    .map(({ category, isBad, pictures, wrongNow, wrongSuggested }) => [
      category,
      isBad ? 'bad' : 'good',
      share(wrongNow, pictures),
      share(wrongSuggested, pictures),
    ]);
  const head = ['folder', '', `misjudged at ${current.threshold}`, `at ${suggested.threshold}`];
  return table([head, ...rows]);
}

function misjudgedList(evaluation: Evaluation): string {
  const { threshold } = evaluation.current;
  const wrong = misjudged(evaluation, threshold);
  if (wrong.length === 0) return '';
  const shown = wrong
    .slice(0, MOST_NAMED)
    .map(
      ({ picture, score }) =>
        `  ${score.toFixed(4)}  ${picture.isBad ? 'escape' : 'false reject'}  ${picture.name}\n`,
    );
  const more = wrong.length > MOST_NAMED ? `  and ${wrong.length - MOST_NAMED} more\n` : '';
  return `Misjudged at ${threshold}, the worst first:\n${shown.join('')}${more}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
