import { compareAnomaly } from '../../component/inference/golden/compare-anomaly.ts';
import { compareDetections } from '../../component/inference/golden/compare-detections.ts';
import { comparePoses } from '../../component/inference/golden/compare-poses.ts';
import type { Findings } from '../../component/contract/result.ts';

/** A line of `vedette model predict --json`, or of the independent pipeline. */
export type Answer = Findings & {
  readonly picture: string;
  readonly width: number;
  readonly height: number;
};

/**
 * What two pipelines say differently of the same pictures, in words; as close as golden pictures must
 * be (docs/MODEL-PACKAGES.md), since other libraries decode and scale to a grey level or so.
 */
export function differencesOf(ours: readonly Answer[], theirs: readonly Answer[]): string[] {
  const differences: string[] = [];
  for (const expected of theirs) {
    const found = ours.find(({ picture }) => picture === expected.picture);
    if (!found) {
      differences.push(`${expected.picture}: there is no answer of Vedette`);
      continue;
    }
    if (found.width !== expected.width || found.height !== expected.height) {
      differences.push(
        `${expected.picture}: ${found.width}×${found.height}, Python has ${expected.width}×${expected.height}`,
      );
    }
    const parts = [compareDetections, compareAnomaly, comparePoses].map((compare) =>
      compare(found, { ...expected }, expected),
    );
    const compared = parts.filter((part) => part !== undefined).flat();
    if (parts.every((part) => part === undefined)) compared.push('nothing that could be compared');
    differences.push(...compared.map((text) => `${expected.picture}: ${text}`));
  }
  for (const { picture } of ours) {
    if (theirs.some((one) => one.picture === picture)) continue;
    differences.push(`${picture}: there is no answer of Python`);
  }
  return differences;
}

/** The largest difference of scores, for the eye: what is within the tolerance is not nothing. */
export function largestScoreDifference(ours: readonly Answer[], theirs: readonly Answer[]): number {
  let largest = 0;
  for (const expected of theirs) {
    const found = ours.find(({ picture }) => picture === expected.picture);
    if (!found) continue;
    const pairs: [number, number][] = [];
    if (found.anomaly && expected.anomaly)
      pairs.push([found.anomaly.score, expected.anomaly.score]);
    // Both list the surest first.
    const [a] = found.detections ?? [];
    const [b] = expected.detections ?? [];
    if (a && b) pairs.push([a.score, b.score]);
    const points = found.poses?.[0]?.keypoints ?? [];
    for (const point of expected.poses?.[0]?.keypoints ?? []) {
      const same = points.find(({ name }) => name === point.name);
      if (same) pairs.push([same.score, point.score]);
    }
    for (const [one, other] of pairs) largest = Math.max(largest, Math.abs(one - other));
  }
  return largest;
}
