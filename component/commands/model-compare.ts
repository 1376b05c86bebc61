import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { compareFindings } from '../inference/evaluation/compare-findings.ts';
import type { CommandContext } from './command-context.ts';
import { comparisonWords, keep, titleOf } from './comparison/comparison.ts';
import type { ComparedPicture, ModelComparison } from './comparison/comparison.ts';
import {
  comparisonJson,
  ComparisonReport,
  differingLines,
} from './comparison/comparison-report.ts';
import { judgeBoth, requireComparable } from './comparison/judge-both.ts';
import { Interruption } from './interruption.ts';
import {
  MODEL_ARGUMENT,
  openRunner,
  requireLabels,
  withRunnerOptions,
  withThresholdOptions,
} from './model-runner.ts';
import type { OpenRunner, RunnerOptions, ThresholdOptions } from './model-runner.ts';
import { numberBetween } from './option-values.ts';
import { allPictures, readPictureArguments } from './picture-arguments.ts';
import type { PictureArguments } from './picture-arguments.ts';
import { Progress } from './progress.ts';

interface CompareOptions extends RunnerOptions, ThresholdOptions {
  readonly variantA?: string;
  readonly variantB?: string;
  readonly out?: string;
  readonly every: number;
}

const MOST_LINES = 20;

/** `vedette model compare` */
export function addModelCompare(model: Command, context: CommandContext): void {
  const command = model
    .command('compare')
    .description(
      'run two models, or two variants of one, on the same pictures and show where they differ',
    )
    .argument('<modelA>', MODEL_ARGUMENT)
    .argument('<modelB>', 'the other one, named in the same way')
    .argument('<pictures...>', 'picture files, folders (with those below), video clips')
    .option('--variant-a <name>', 'variant of the first; the one for this machine when absent')
    .option('--variant-b <name>', 'variant of the second')
    .option('-o, --out <folder>', 'write a page with the differing pictures side by side')
    .option(
      '--every <seconds>',
      'of a clip, one picture in so many',
      numberBetween(0.001, 3600),
      1,
    );
  withThresholdOptions(withRunnerOptions(command, 'print the comparison as JSON'));
  command.action((first: string, second: string, paths: string[], options: CompareOptions) =>
    compare([first, second], paths, options, context),
  );
}

/** The exit code is 0 when every picture was compared, whatever came out, 2 when one was not. */
async function compare(
  named: readonly [string, string],
  paths: readonly string[],
  options: CompareOptions,
  context: CommandContext,
): Promise<void> {
  const pictures = await readPictureArguments(paths);
  const report =
    options.out === undefined ? undefined : await ComparisonReport.open(options.out, paths);
  const first = await openRunner(
    named[0],
    options,
    { variant: options.variantA, defaultWorkers: 1 },
    context,
  );
  try {
    const second = await openRunner(
      named[1],
      options,
      { variant: options.variantB, defaultWorkers: 1 },
      context,
    );
    try {
      const labels = [...first.model.labels, ...second.model.labels];
      requireLabels(Object.keys(options.labelThreshold ?? {}), labels, '--label-threshold');
      const comparison = await compareAll([first, second], pictures, options, context);
      if (!comparison) return;
      const runners = [first.runner, second.runner] as const;
      const again = judgeBoth(runners, thresholdsFor(options), true);
      await report?.write(comparison, again, first.config.limits.maxImagePixels);
      print(comparison, options, context);
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

const thresholdsFor = ({ threshold, labelThreshold = {} }: ThresholdOptions) => ({
  ...(threshold === undefined ? {} : { score: threshold }),
  labels: labelThreshold,
});

/** `undefined` when it was interrupted. */
async function compareAll(
  [first, second]: readonly [OpenRunner, OpenRunner],
  pictures: PictureArguments,
  options: CompareOptions,
  context: CommandContext,
): Promise<ModelComparison | undefined> {
  const labels = { first: first.model.labels, second: second.model.labels };
  const runners = [first.runner, second.runner] as const;
  const both = judgeBoth(runners, thresholdsFor(options), false);
  const interruption = new Interruption(context.stdout);
  const progress = new Progress(context.stderr, 'compared', pictures.files.length);
  const compared: ComparedPicture[] = [];
  const failures: ModelComparison['failures'][number][] = [];
  try {
    const source = allPictures(pictures, options.every, first.config.ffmpeg.path);
    for await (const picture of source) {
      try {
        const [a, b] = await both(picture);
        keep(compared, {
          name: picture.name,
          source: picture,
          comparison: compareFindings(a.findings, b.findings, a.picture, labels),
          times: [a.timings, b.timings],
        });
      } catch (error) {
        requireComparable(error, runners);
        failures.push({ name: picture.name, error: VedetteError.from(error).serialize() });
      }
      progress.step();
      if (!interruption.isWanted) return undefined;
    }
  } finally {
    progress.end();
    interruption.close();
  }
  return {
    first: first.runner.identity,
    second: second.runner.identity,
    ...{ compared, failures, labels },
  };
}

function print(
  comparison: ModelComparison,
  options: CompareOptions,
  { stdout, stderr }: CommandContext,
): void {
  const { first, second, failures } = comparison;
  for (const { name, error } of failures) {
    stderr.write(`${name}: ${error.code}: ${error.message}\n`);
  }
  if (failures.length > 0) process.exitCode = 2;
  if (options.json) {
    stdout.write(comparisonJson(comparison));
    return;
  }
  const lines = differingLines(comparison, MOST_LINES);
  stdout.write(
    `A  ${titleOf(first)}\nB  ${titleOf(second)}\n\n${comparisonWords(comparison).join('\n')}\n` +
      (lines === '' ? '' : `\nDiffering, the most different first:\n${lines}`) +
      (options.out === undefined ? '' : `\nreport: ${options.out}/index.html\n`),
  );
}
