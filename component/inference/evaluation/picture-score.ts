import { VedetteError } from '../../contract/errors.ts';
import type { ScoreThresholds } from '../../contract/ports.ts';
import type { Findings } from '../../contract/result.ts';
import type { ModelPackage } from '../package/read-package.ts';

/** Detections of a lower score count as none: a model's candidates go on down to 0. */
const LOWEST_SCORE = 0.01;
/** Names that labels of good parts go by. */
const GOOD_LABEL = /^(?:good|ok|okay|normal|pass|passed|io|no[ _-]?defect|defect[ _-]?free)$/i;

/** How bad a model finds a picture, as one number from 0 to 1. */
export interface PictureScore {
  readonly kind: 'anomaly' | 'detections' | 'classes';
  /** In words: what the score is. */
  readonly meaning: string;
  /** Labels that make a picture bad; absent for anomaly models and where every label does. */
  readonly badLabels?: readonly string[];
  /** Pictures at or above it are rejected today. */
  readonly currentThreshold: number;
  /** Classes below it are left out of a model's answers, unless a camera says otherwise. */
  readonly leftOutBelow?: number;
  /** What the decoder must be asked for, so that nothing is cut off below the threshold. */
  readonly thresholds: ScoreThresholds;
  readonly of: (findings: Findings) => number;
}

export interface ScoreOptions {
  readonly threshold?: number | undefined;
  readonly badLabels?: readonly string[] | undefined;
  readonly goodLabels?: readonly string[] | undefined;
}

/**
 * What tells a bad picture for this model: its anomaly score; the best score among detections of bad
 * labels; the best score among classes that are bad.
 * @throws VedetteError REQUEST_INVALID for a task without such a score, for an anomaly model that does
 * not decide by its score alone, and for a classifier whose good and bad labels are not known
 */
export function pictureScore(model: ModelPackage, options: ScoreOptions): PictureScore {
  const { output, task } = model.manifest;
  switch (task) {
    case 'anomaly-detection':
      requireScoreDecides(output);
      return {
        kind: 'anomaly',
        meaning: 'anomaly score',
        currentThreshold: options.threshold ?? thresholdOfModel(output),
        thresholds: { labels: {} },
        of: ({ anomaly }) => anomaly?.score ?? 0,
      };
    case 'object-detection':
    case 'instance-segmentation': {
      const badLabels = chosenLabels(model.labels, options);
      const isBad = labelTest(badLabels);
      return {
        kind: 'detections',
        meaning: `best score of a detection${badLabels ? ` of ${quoted(badLabels)}` : ''}`,
        ...(badLabels ? { badLabels } : {}),
        currentThreshold: options.threshold ?? thresholdOfModel(output),
        thresholds: { score: LOWEST_SCORE, labels: {} },
        of: ({ detections = [] }) => best(detections.filter(isBad)),
      };
    }
    case 'classification': {
      const badLabels = chosenLabels(model.labels, options) ?? labelsBesideGood(model.labels);
      const isBad = labelTest(badLabels);
      return {
        kind: 'classes',
        meaning: `best score of the ${badLabels.length === 1 ? 'class' : 'classes'} ${quoted(badLabels)}`,
        badLabels,
        leftOutBelow: thresholdOfModel(output),
        currentThreshold: options.threshold ?? 0.5,
        thresholds: { score: 0, labels: {} },
        of: ({ classes = [] }) => best(classes.filter(isBad)),
      };
    }
    default:
      throw new VedetteError(
        'REQUEST_INVALID',
        `the model's task is ${task}, which gives no score that a picture could be rejected by; expected anomaly-detection, object-detection, instance-segmentation or classification`,
      );
  }
}

/** The same model with every class in its answers, not the best few. */
export function withEveryClass(model: ModelPackage): ModelPackage {
  const { output } = model.manifest;
  if (output.decoder !== 'classification') return model;
  const maxClasses = Math.max(output.maxClasses, Math.min(1000, model.labels.length));
  return { ...model, manifest: { ...model.manifest, output: { ...output, maxClasses } } };
}

/** Else the evaluation would tell of escapes that the model does not let through. */
function requireScoreDecides(output: ModelPackage['manifest']['output']): void {
  if (output.decoder !== 'multi-head-anomaly' || output.decision === 'score') return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `the model decides by output.decision '${output.decision}', not by its score alone, so that no threshold tells what it rejects; expected output.decision 'score': set it to evaluate the score by itself, which is what an anomaly rule with failAt judges`,
    { details: { decision: output.decision } },
  );
}

const thresholdOfModel = (output: ModelPackage['manifest']['output']): number =>
  'scoreThreshold' in output ? output.scoreThreshold : 0.5;

function chosenLabels(
  labels: readonly string[],
  { badLabels, goodLabels }: ScoreOptions,
): readonly string[] | undefined {
  if (badLabels) return badLabels;
  return goodLabels && labels.filter((label) => !goodLabels.includes(label));
}

function labelsBesideGood(labels: readonly string[]): readonly string[] {
  const bad = labels.filter((label) => !GOOD_LABEL.test(label));
  if (bad.length > 0 && bad.length < labels.length) return bad;
  const known = labels.slice(0, 20).join(', ');
  throw new VedetteError(
    'REQUEST_INVALID',
    `which classes are bad is not known; name them with --bad-label, or the good ones with --good-label; ` +
      (labels.length === 0
        ? 'the model has no labels, so that a class is called by its index'
        : `the model has ${known}${labels.length > 20 ? ', …' : ''}`),
  );
}

const labelTest =
  (labels: readonly string[] | undefined) =>
  ({ label }: { readonly label: string }): boolean =>
    labels === undefined || labels.includes(label);

const best = (found: readonly { readonly score: number }[]): number =>
  Math.max(0, ...found.map(({ score }) => score));

function quoted(labels: readonly string[]): string {
  const shown = labels.slice(0, 5).map((label) => `'${label}'`);
  return `${shown.join(', ')}${labels.length > 5 ? `, and ${labels.length - 5} more` : ''}`;
}
