import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import type { Box, Size } from '../contract/frame.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { ModelManifest } from '../contract/model-manifest.ts';
import {
  anomalySchema,
  classificationSchema,
  detectionSchema,
  poseSchema,
  segmentSchema,
} from '../contract/result.ts';
import type { Classification, Detection, Findings, Pose, Segment } from '../contract/result.ts';
import type { ModelSession } from './model-session.ts';

const MIN_OVERLAP = 0.9;
const DETECTION_TOLERANCE = 0.05;
const ANOMALY_TOLERANCE = 0.03;
const CLASS_TOLERANCE = 0.05;
/** Of `areaFraction`. */
const AREA_TOLERANCE = 0.03;
const KEYPOINT_TOLERANCE = 0.1;
/** Part of the picture's longer side. */
const KEYPOINT_DISTANCE = 0.03;
/** Expected detections below, and found ones slightly above, may come and go. */
const SURE_SCORE = 0.4;
const EXTRA_SCORE = 0.45;

const expectedDetection = detectionSchema.pick({ label: true, score: true, box: true }).loose();
const expectedClass = classificationSchema.pick({ label: true, score: true }).loose();
const expectedPose = poseSchema.pick({ keypoints: true }).loose();
const expectedSegment = segmentSchema.pick({ label: true, areaFraction: true }).loose();
const expectedAnomaly = anomalySchema.pick({ score: true, isAnomalous: true }).loose();

/**
 * Runs the golden pictures of a package. A detection is found when its label is the same, the boxes
 * overlap by IoU ≥ 0.9 and the scores differ by at most 0.05, for every expected one of score ≥ 0.4;
 * nothing further may be found above 0.45. Classes are compared in the same way, without boxes.
 * Poses, in their order: keypoints of score ≥ 0.4 may lie 3 % of the picture's longer side apart and
 * differ by 0.1 in score. The part of the picture that a segment covers may differ by 0.03. Anomaly scores may differ by 0.03, with the same verdict.
 * @throws VedetteError MODEL_PROBE_FAILED with every difference; MODEL_PACKAGE_INVALID when
 * `expected` holds nothing that can be compared
 */
export async function checkGolden(
  session: ModelSession,
  folder: string,
  golden: ModelManifest['golden'],
): Promise<void> {
  const differences: string[] = [];
  for (const { image, expected } of golden) {
    const bytes = await readFile(join(folder, image));
    const { findings, picture } = await session.judge({
      image: { kind: 'encoded', data: bytes },
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: false,
    });
    const found = compare(findings, picture, expected, image);
    differences.push(...found.map((text) => `${image}: ${text}`));
  }
  if (differences.length === 0) return;
  throw new VedetteError(
    'MODEL_PROBE_FAILED',
    `the golden pictures gave other results than expected: ${differences.join('; ')}`,
    { details: { differences } },
  );
}

function compare(
  findings: Findings,
  picture: Size,
  expected: Readonly<Record<string, unknown>>,
  image: string,
): string[] {
  const detections = expectedDetection.array().safeParse(expected['detections']);
  if (findings.detections && detections.success) {
    return compareDetections(findings.detections, detections.data);
  }
  const anomaly = expectedAnomaly.safeParse(expected['anomaly']);
  if (findings.anomaly && anomaly.success) {
    return compareAnomaly(findings.anomaly, anomaly.data);
  }
  const classes = expectedClass.array().safeParse(expected['classes']);
  if (findings.classes && classes.success) return compareClasses(findings.classes, classes.data);
  const poses = expectedPose.array().safeParse(expected['poses']);
  if (findings.poses && poses.success) return comparePoses(findings.poses, poses.data, picture);
  const segments = expectedSegment.array().safeParse(expected['segments']);
  if (findings.segments && segments.success) {
    return compareSegments(findings.segments, segments.data);
  }
  const part = Object.keys(findings).join(' or ');
  throw new VedetteError(
    'MODEL_PACKAGE_INVALID',
    `golden picture ${image}: 'expected' needs '${part}' as results have it`,
  );
}

function compareAnomaly(
  found: { score: number; isAnomalous: boolean },
  expected: { score: number; isAnomalous: boolean },
): string[] {
  const isSame =
    found.isAnomalous === expected.isAnomalous &&
    Math.abs(found.score - expected.score) <= ANOMALY_TOLERANCE;
  if (isSame) return [];
  return [
    `anomaly score ${found.score} (${found.isAnomalous}), expected ${expected.score} (${expected.isAnomalous})`,
  ];
}

function compareClasses(
  found: readonly Classification[],
  expected: readonly { label: string; score: number }[],
): string[] {
  const differences: string[] = [];
  for (const { label, score } of expected) {
    const match = found.find((candidate) => candidate.label === label);
    const isSame = match && Math.abs(match.score - score) <= CLASS_TOLERANCE;
    if (score >= SURE_SCORE && !isSame) {
      differences.push(`class '${label}' has the score ${match?.score ?? 0}, expected ${score}`);
    }
  }
  for (const { label, score } of found) {
    const isExpected = expected.some((wanted) => wanted.label === label);
    if (score > EXTRA_SCORE && !isExpected) {
      differences.push(`class '${label}' of score ${score} was not expected`);
    }
  }
  return differences;
}

/** A class that is not there covers nothing. */
function compareSegments(
  found: readonly Segment[],
  expected: readonly Pick<Segment, 'label' | 'areaFraction'>[],
): string[] {
  const labels = new Set([...found, ...expected].map(({ label }) => label));
  const part = (of: readonly Pick<Segment, 'label' | 'areaFraction'>[], label: string) =>
    of.find((one) => one.label === label)?.areaFraction ?? 0;
  return [...labels].flatMap((label) => {
    const [seen, wanted] = [part(found, label), part(expected, label)];
    if (Math.abs(seen - wanted) <= AREA_TOLERANCE) return [];
    return [`'${label}' covers ${seen} of the picture, expected ${wanted}`];
  });
}

function comparePoses(
  found: readonly Pose[],
  expected: readonly Pick<Pose, 'keypoints'>[],
  picture: Size,
): string[] {
  if (found.length !== expected.length) {
    return [`${found.length} poses were found, expected ${expected.length}`];
  }
  const reach = KEYPOINT_DISTANCE * Math.max(picture.width, picture.height);
  return expected.flatMap(({ keypoints }, index) =>
    keypoints
      .filter(({ score }) => score >= SURE_SCORE)
      .filter((wanted) => {
        const match = found[index]!.keypoints.find(({ name }) => name === wanted.name);
        return (
          !match ||
          Math.hypot(match.x - wanted.x, match.y - wanted.y) > reach ||
          Math.abs(match.score - wanted.score) > KEYPOINT_TOLERANCE
        );
      })
      .map(({ name, x, y, score }) => `'${name}' of score ${score} was not found at ${x}, ${y}`),
  );
}

function compareDetections(
  found: readonly Detection[],
  expected: readonly { label: string; score: number; box: Box }[],
): string[] {
  const rest = new Set(found);
  const differences: string[] = [];
  for (const wanted of expected) {
    const match = [...rest].find(
      (candidate) =>
        candidate.label === wanted.label &&
        intersectionOverUnion(candidate.box, wanted.box) >= MIN_OVERLAP &&
        Math.abs(candidate.score - wanted.score) <= DETECTION_TOLERANCE,
    );
    if (match) rest.delete(match);
    else if (wanted.score >= SURE_SCORE) {
      differences.push(`'${wanted.label}' of score ${wanted.score} was not found`);
    }
  }
  for (const { label, score } of rest) {
    if (score > EXTRA_SCORE) differences.push(`'${label}' of score ${score} was not expected`);
  }
  return differences;
}

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a.width * a.height + b.width * b.height - common);
}
