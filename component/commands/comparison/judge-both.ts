import { VedetteError } from '../../contract/errors.ts';
import type { InferenceAnswer, ScoreThresholds } from '../../contract/ports.ts';
import { commonKinds } from '../../inference/evaluation/compare-findings.ts';
import { requireUsable } from '../../inference/picture-runner.ts';
import type { PictureRunner } from '../../inference/picture-runner.ts';
import type { PictureSource } from '../../inference/run-on-pictures.ts';

export type BothAnswers = readonly [first: InferenceAnswer, second: InferenceAnswer];
export type JudgeBoth = (picture: PictureSource) => Promise<BothAnswers>;

/**
 * Judges a picture with two models, one after the other so that neither's time is the other's load;
 * the one that goes first changes from picture to picture.
 * @throws VedetteError of the picture or a run; REQUEST_INVALID when the models give different kinds
 * of findings
 */
export function judgeBoth(
  runners: readonly [PictureRunner, PictureRunner],
  thresholds: ScoreThresholds,
  wantsAnomalyMap: boolean,
): JudgeBoth {
  let isSecondFirst = false;
  const request = { thresholds, wantsAnomalyMap };
  return async (picture) => {
    const data = await picture.read();
    const copy = data.slice();
    isSecondFirst = !isSecondFirst;
    const [a, b] = runners;
    const [one, other] = isSecondFirst ? [b, a] : [a, b];
    const early = await one.judge(data, request);
    const late = await other.judge(copy, request);
    const answers: BothAnswers = isSecondFirst ? [late, early] : [early, late];
    requireSameKind(answers);
    return answers;
  };
}

/** What cannot be compared for one picture cannot be for any. */
export class UncomparableModels extends VedetteError {}

function requireSameKind([first, second]: BothAnswers): void {
  if (commonKinds(first.findings, second.findings).length > 0) return;
  const kinds = ({ findings }: InferenceAnswer) => Object.keys(findings).join(', ');
  throw new UncomparableModels(
    'REQUEST_INVALID',
    `the models cannot be compared: the first gives ${kinds(first)}, the second ${kinds(second)}; expected the same kind`,
  );
}

/** @throws VedetteError when there is no sense in going on */
export function requireComparable(
  error: unknown,
  runners: readonly [PictureRunner, PictureRunner],
): void {
  if (error instanceof UncomparableModels) throw error;
  for (const runner of runners) requireUsable(runner);
}
