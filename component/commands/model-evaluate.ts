import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { pictureScore, withEveryClass } from '../inference/evaluation/picture-score.ts';
import type { PictureScore } from '../inference/evaluation/picture-score.ts';
import { runOnPictures } from '../inference/run-on-pictures.ts';
import type { CommandContext } from './command-context.ts';
import { evaluate } from './evaluation/evaluation.ts';
import type { EvaluatedPicture, EvaluationFacts } from './evaluation/evaluation.ts';
import { EvaluationReport, evaluationJson } from './evaluation/evaluation-report.ts';
import { labelledPictures } from './evaluation/labelled-pictures.ts';
import type { LabelledPicture } from './evaluation/labelled-pictures.ts';
import { renderEvaluation } from './evaluation/render-evaluation.ts';
import { Interruption } from './interruption.ts';
import {
  MODEL_ARGUMENT,
  manyWorkers,
  openRunner,
  requireLabels,
  withRunnerOptions,
} from './model-runner.ts';
import type { OpenRunner, RunnerOptions } from './model-runner.ts';
import { collect, numberBetween, score, wholeNumber } from './option-values.ts';
import { Progress } from './progress.ts';

interface EvaluateOptions extends RunnerOptions {
  readonly variant?: string;
  readonly threshold?: number;
  readonly badLabel?: readonly string[];
  readonly goodLabel?: readonly string[];
  readonly maxEscapes?: number;
  readonly costEscape?: number;
  readonly costFalseReject?: number;
  readonly report?: string;
}

const MOST_COST = 1e9;

/** `vedette model evaluate` */
export function addModelEvaluate(model: Command, context: CommandContext): void {
  const command = model
    .command('evaluate')
    .description('judge good and bad pictures: escapes, false rejects, and a threshold to choose')
    .argument('<model>', MODEL_ARGUMENT)
    .argument(
      '<folders...>',
      "a folder of good pictures, then those of bad ones; or one folder that holds 'good' and others",
    )
    .option('--variant <name>', 'variant of the package; the one for this machine when absent')
    .option('--threshold <score>', "the threshold in use, when it is not the model's own", score)
    .option('--bad-label <label>', 'a label that makes a picture bad; repeatable', collect)
    .option('--good-label <label>', 'the only labels that do not; repeatable', collect)
    .option('--max-escapes <n>', 'suggest a threshold with at most so many', wholeNumber(0, 1e9))
    .option('--cost-escape <n>', 'what a bad part that passes costs', numberBetween(0, MOST_COST))
    .option(
      '--cost-false-reject <n>',
      'what a rejected good part costs',
      numberBetween(0, MOST_COST),
    )
    .option('-r, --report <folder>', 'write a page with the misjudged pictures drawn');
  withRunnerOptions(command, 'print the evaluation as JSON');
  command.action((named: string, folders: string[], options: EvaluateOptions) =>
    evaluateModel(named, folders, options, context),
  );
}

/** The exit code is 0 when every picture was judged, 2 when one was not. */
async function evaluateModel(
  named: string,
  folders: readonly string[],
  options: EvaluateOptions,
  context: CommandContext,
): Promise<void> {
  if (options.badLabel && options.goodLabel) {
    throw new VedetteError('REQUEST_INVALID', 'give --bad-label or --good-label, not both');
  }
  const { pictures, repeated } = await labelledPictures(folders, options.goodLabel);
  const report =
    options.report === undefined ? undefined : await EvaluationReport.open(options.report, folders);
  const scoring: { by?: PictureScore } = {};
  const opened = await openRunner(
    named,
    options,
    {
      variant: options.variant,
      defaultWorkers: manyWorkers(),
      prepare: (model) => {
        const { badLabel: badLabels, goodLabel: goodLabels, threshold } = options;
        requireLabels(badLabels ?? [], model.labels, '--bad-label');
        requireLabels(goodLabels ?? [], model.labels, '--good-label');
        scoring.by = pictureScore(model, { badLabels, goodLabels, threshold });
        return withEveryClass(model);
      },
    },
    context,
  );
  try {
    const judged = await judgeAll(opened, pictures, scoring.by!, context);
    if (!judged) return;
    const { maxEscapes, costEscape, costFalseReject } = options;
    const { of: _, thresholds: __, ...by } = scoring.by!;
    const evaluation = evaluate({
      ...judged,
      model: opened.runner.identity,
      labels: opened.model.labels,
      score: by,
      repeated,
      wish: { maxEscapes, costEscape, costFalseReject },
    });
    await report?.write(evaluation, opened);
    for (const { name, error } of judged.failures) {
      context.stderr.write(`${name}: ${error.code}: ${error.message}\n`);
    }
    context.stdout.write(options.json ? evaluationJson(evaluation) : renderEvaluation(evaluation));
    if (options.report !== undefined && !options.json) {
      context.stdout.write(`\nreport: ${options.report}/index.html\n`);
    }
    if (judged.failures.length > 0) process.exitCode = 2;
  } finally {
    await opened.close();
  }
}

/** `undefined` when it was interrupted. @throws VedetteError REQUEST_INVALID without both kinds */
async function judgeAll(
  { runner }: OpenRunner,
  pictures: readonly LabelledPicture[],
  by: PictureScore,
  context: CommandContext,
): Promise<Pick<EvaluationFacts, 'evaluated' | 'failures'> | undefined> {
  const interruption = new Interruption(context.stdout);
  const progress = new Progress(context.stderr, 'judged', pictures.length);
  const evaluated: EvaluatedPicture[] = [];
  const failures: EvaluationFacts['failures'][number][] = [];
  try {
    const request = { thresholds: by.thresholds, wantsAnomalyMap: false };
    for await (const one of runOnPictures(runner, pictures, request)) {
      const { picture } = one;
      if ('error' in one) failures.push({ name: picture.name, error: one.error.serialize() });
      else {
        const top = one.answer.findings.classes?.[0]?.label;
        const scored = { picture, score: by.of(one.answer.findings) };
        evaluated.push(top === undefined ? scored : { ...scored, top });
      }
      progress.step();
      if (!interruption.isWanted) return undefined;
    }
  } finally {
    progress.end();
    interruption.close();
  }
  const bad = evaluated.filter(({ picture }) => picture.isBad).length;
  if (bad > 0 && bad < evaluated.length) return { evaluated, failures };
  const [first] = failures;
  throw new VedetteError(
    'REQUEST_INVALID',
    `${evaluated.length - bad} good and ${bad} bad pictures could be judged, expected some of each` +
      (first
        ? `; ${failures.length} failed, the first: ${first.name}: ${first.error.message}`
        : ''),
  );
}
