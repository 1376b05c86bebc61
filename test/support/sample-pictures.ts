import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from '../../component/contract/frame.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import { samples } from './runtime-process.ts';

/** How close is right: samples/README.md. */
const MIN_OVERLAP = 0.9;
const DETECTION_TOLERANCE = 0.05;
const ANOMALY_TOLERANCE = 0.03;
const SURE_SCORE = 0.4;
const EXTRA_SCORE = 0.45;

export interface SamplePicture {
  readonly name: string;
  readonly file: string;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly mediaType: 'image/jpeg' | 'image/png';
  readonly model: 'coco-detector' | 'brick-anomaly';
  /** What a result has other than expected, in words; nothing when it is right. */
  readonly differences: (result: Seen) => string[];
}

type Seen = Pick<InferenceResult, 'detections' | 'anomaly'> & {
  readonly frame?: { readonly width: number; readonly height: number };
};

interface Expectation {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
}

interface ExpectedStreet {
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Expectation[];
}

interface ExpectedBrick {
  readonly pred_score: number;
  readonly is_anomalous: boolean;
}

/** Frames of the walkway and photographs, with what the detector finds in them. */
export const streetPictures = (): SamplePicture[] =>
  read<ExpectedStreet>('street', (expected) => ({
    model: 'coco-detector',
    differences: (result) => streetDifferences(result, expected),
  }));

/** Good and defective surfaces, with what the anomaly model says of them. */
export const brickPictures = (): SamplePicture[] =>
  read<ExpectedBrick>('brick', (expected) => ({
    model: 'brick-anomaly',
    differences: (result) => brickDifferences(result, expected),
  }));

function read<T>(
  folder: string,
  more: (expected: T) => Pick<SamplePicture, 'model' | 'differences'>,
): SamplePicture[] {
  const expected = JSON.parse(
    readFileSync(samples('images', folder, 'expected.json'), 'utf8'),
  ) as Record<string, T>;
  return readdirSync(samples('images', folder))
    .filter((name) => /\.(jpg|png)$/.test(name))
    .sort()
    .map((name) => {
      const entry = expected[name];
      if (entry === undefined) throw new Error(`expected.json says nothing of ${folder}/${name}`);
      const file = join(samples('images', folder), name);
      const mediaType = name.endsWith('.png') ? 'image/png' : 'image/jpeg';
      return { name, file, bytes: readFileSync(file), mediaType, ...more(entry) };
    });
}

function streetDifferences({ detections, frame }: Seen, expected: ExpectedStreet): string[] {
  if (detections === undefined) return ['there are no detections'];
  const differences: string[] = [];
  if (frame && (frame.width !== expected.width || frame.height !== expected.height)) {
    differences.push(`size ${frame.width}×${frame.height}`);
  }
  const left = [...detections];
  const byScore = [...expected.detections].sort((a, b) => b.score - a.score);
  for (const wanted of byScore) {
    const at = left.findIndex(
      (found) =>
        found.label === wanted.label &&
        overlap(found.box, wanted.box) >= MIN_OVERLAP &&
        Math.abs(found.score - wanted.score) <= DETECTION_TOLERANCE,
    );
    if (at >= 0) left.splice(at, 1);
    else if (wanted.score >= SURE_SCORE) differences.push(`not found: ${describe(wanted)}`);
  }
  const extra = left.filter(({ score }) => score > EXTRA_SCORE);
  return [...differences, ...extra.map((found) => `found besides: ${describe(found)}`)];
}

function brickDifferences({ anomaly }: Seen, expected: ExpectedBrick): string[] {
  if (anomaly === undefined) return ['there is no anomaly score'];
  const { pred_score: score, is_anomalous: isAnomalous } = expected;
  return [
    ...(Math.abs(anomaly.score - score) <= ANOMALY_TOLERANCE
      ? []
      : [`score ${anomaly.score}, expected ${score}`]),
    ...(anomaly.isAnomalous === isAnomalous ? [] : [`isAnomalous ${anomaly.isAnomalous}`]),
  ];
}

const describe = ({ label, score, box }: Expectation): string =>
  `${label} ${score.toFixed(3)} at ${[box.x, box.y, box.width, box.height].join(' ')}`;

/** Intersection over union of two boxes, 0–1. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
