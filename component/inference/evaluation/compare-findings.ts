import { isDeepStrictEqual } from 'node:util';
import type { Size } from '../../contract/frame.ts';
import type {
  Classification,
  Detection,
  Findings,
  Pose,
  Segment,
  TextLine,
} from '../../contract/result.ts';
import { intersectionOverUnion } from '../../contract/box-overlap.ts';

/** Boxes of the same label that overlap so much are the same object. */
const SAME_OBJECT = 0.5;
/** Keypoints of a lower score are guesses. */
const SURE_KEYPOINT = 0.3;
/** Part of the picture's longer side. */
const KEYPOINT_DISTANCE = 0.03;
/** Of the part of the picture that a class covers. */
const AREA_TOLERANCE = 0.03;

/** What two models say of the same picture. */
export interface FindingsComparison {
  readonly isSame: boolean;
  /** How far apart, to sort by: whole numbers count findings that differ, parts are score differences. */
  readonly distance: number;
  /** Score of the second less that of the first, of findings that both have. */
  readonly scoreDifferences: readonly number[];
  /** Detections that both have, and how well their boxes lie on each other, 0–1. */
  readonly overlaps: readonly number[];
  /** Indices of detections that only one has. */
  readonly onlyFirst: readonly number[];
  readonly onlySecond: readonly number[];
  /** Highest score among these, 0 without any: differences near the threshold say little. */
  readonly surest: readonly [first: number, second: number];
  /** In words, for people. */
  readonly words: string;
}

/** Labels by model; empty where a model has none. */
export interface LabelSets {
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/**
 * Compares findings of two models. Detections are the same when their label is and their boxes
 * overlap by IoU ≥ 0.5, best pairs first; pictures agree when each has its partner. Anomaly models
 * agree by verdict, text readers by what they read, classifiers by the first class, poses within 3 % of the picture's longer side,
 * segments within 3 % of the picture for each class; anything else when it is equal. Findings of
 * labels that the other model does not have are left out.
 */
export function compareFindings(
  first: Findings,
  second: Findings,
  picture: Size,
  labels: LabelSets,
): FindingsComparison {
  if (first.anomaly && second.anomaly) return compareAnomaly(first.anomaly, second.anomaly);
  if (first.detections && second.detections) {
    return compareDetections(first.detections, second.detections, labels);
  }
  if (first.classes && second.classes) {
    return compareClasses(first.classes, second.classes, labels);
  }
  if (first.poses && second.poses) return comparePoses(first.poses, second.poses, picture);
  if (first.segments && second.segments) {
    return compareSegments(first.segments, second.segments, labels);
  }
  if (first.text && second.text) return compareText(first.text, second.text);
  const isSame = isDeepStrictEqual(first, second);
  return { ...nothing, isSame, distance: isSame ? 0 : 1, words: isSame ? '' : 'differs' };
}

/** Kinds of findings that both give; none: the models cannot be compared. */
export const commonKinds = (first: Findings, second: Findings): string[] =>
  Object.keys(first).filter((kind) => kind in second);

const nothing: FindingsComparison = {
  isSame: true,
  distance: 0,
  scoreDifferences: [],
  overlaps: [],
  onlyFirst: [],
  onlySecond: [],
  surest: [0, 0],
  words: '',
};

function compareAnomaly(
  first: NonNullable<Findings['anomaly']>,
  second: NonNullable<Findings['anomaly']>,
): FindingsComparison {
  const difference = second.score - first.score;
  const isSame = first.isAnomalous === second.isAnomalous;
  const text = ({ score, isAnomalous }: typeof first) =>
    `${isAnomalous ? 'anomalous' : 'good'} ${score.toFixed(3)}`;
  return {
    ...nothing,
    isSame,
    distance: (isSame ? 0 : 1) + Math.abs(difference),
    scoreDifferences: [difference],
    words: isSame ? '' : `${text(first)} and ${text(second)}`,
  };
}

function compareDetections(
  first: readonly Detection[],
  second: readonly Detection[],
  labels: LabelSets,
): FindingsComparison {
  const [a, b] = [comparable(first, labels.second), comparable(second, labels.first)];
  const pairs = a
    .flatMap((i) => b.map((j) => ({ i, j, overlap: overlapOf(first[i]!, second[j]!) })))
    .filter(({ overlap }) => overlap >= SAME_OBJECT)
    .sort((one, other) => other.overlap - one.overlap);
  const [takenA, takenB] = [new Set<number>(), new Set<number>()];
  const matched = pairs.filter(({ i, j }) => {
    if (takenA.has(i) || takenB.has(j)) return false;
    takenA.add(i);
    takenB.add(j);
    return true;
  });
  const onlyFirst = a.filter((index) => !takenA.has(index));
  const onlySecond = b.filter((index) => !takenB.has(index));
  const scoreDifferences = matched.map(({ i, j }) => second[j]!.score - first[i]!.score);
  const best = (found: readonly Detection[], only: readonly number[]) =>
    Math.max(0, ...only.map((index) => found[index]!.score));
  const surest = [best(first, onlyFirst), best(second, onlySecond)] as const;
  const words = [
    ...(onlyFirst.length > 0 ? [`only A: ${named(first, onlyFirst)}`] : []),
    ...(onlySecond.length > 0 ? [`only B: ${named(second, onlySecond)}`] : []),
  ];
  return {
    isSame: words.length === 0,
    distance: onlyFirst.length + onlySecond.length + Math.max(...surest),
    surest,
    scoreDifferences,
    overlaps: matched.map(({ overlap }) => overlap),
    onlyFirst,
    onlySecond,
    words: words.join('; '),
  };
}

const overlapOf = (a: Detection, b: Detection): number =>
  a.label === b.label ? intersectionOverUnion(a.box, b.box) : 0;

/** Indices of those whose label the other model could have given. */
const comparable = (found: readonly { readonly label: string }[], known: readonly string[]) =>
  [...found.keys()].filter((index) => known.length === 0 || known.includes(found[index]!.label));

function named(found: readonly Detection[], only: readonly number[]): string {
  const texts = only.slice(0, 4).map((index) => {
    const { label, score } = found[index]!;
    return `${label} ${score.toFixed(2)}`;
  });
  return `${texts.join(', ')}${only.length > 4 ? `, ${only.length - 4} more` : ''}`;
}

function compareClasses(
  first: readonly Classification[],
  second: readonly Classification[],
  labels: LabelSets,
): FindingsComparison {
  const [a] = comparable(first, labels.second).map((index) => first[index]!);
  const [b] = comparable(second, labels.first).map((index) => second[index]!);
  const isSame = a?.label === b?.label;
  const text = (one: Classification | undefined) =>
    one ? `${one.label} ${one.score.toFixed(2)}` : 'nothing';
  const difference = (b?.score ?? 0) - (a?.score ?? 0);
  return {
    ...nothing,
    isSame,
    distance: isSame ? Math.abs(difference) : 1 + Math.max(a?.score ?? 0, b?.score ?? 0),
    scoreDifferences: isSame && a && b ? [difference] : [],
    words: isSame ? '' : `${text(a)} and ${text(b)}`,
  };
}

/** Lines without what they say, as a text detector gives them, are compared by their number. */
function compareText(first: readonly TextLine[], second: readonly TextLine[]): FindingsComparison {
  const read = (lines: readonly TextLine[]) => lines.map(({ text = '' }) => text).sort();
  const [a, b] = [read(first), read(second)];
  const isSame = isDeepStrictEqual(a, b);
  const without = (from: readonly string[], other: readonly string[]) =>
    from
      .filter((line) => !other.includes(line))
      .slice(0, 3)
      .join(', ') || 'nothing';
  const words =
    a.length === b.length || [...a, ...b].some((line) => line !== '')
      ? `only A reads: ${without(a, b)}; only B: ${without(b, a)}`
      : `${a.length} and ${b.length} lines`;
  return {
    ...nothing,
    isSame,
    distance: isSame ? 0 : 1 + Math.abs(a.length - b.length),
    words: isSame ? '' : words,
  };
}

function comparePoses(
  first: readonly Pose[],
  second: readonly Pose[],
  picture: Size,
): FindingsComparison {
  const reach = KEYPOINT_DISTANCE * Math.max(picture.width, picture.height);
  const count = Math.min(first.length, second.length);
  let [far, furthest] = [0, 0];
  for (let index = 0; index < count; index += 1) {
    for (const point of first[index]!.keypoints) {
      const other = second[index]!.keypoints.find(({ name }) => name === point.name);
      if (!other || point.score < SURE_KEYPOINT || other.score < SURE_KEYPOINT) continue;
      const distance = Math.hypot(point.x - other.x, point.y - other.y);
      furthest = Math.max(furthest, distance);
      if (distance > reach) far += 1;
    }
  }
  const extra = Math.abs(first.length - second.length);
  const words = [
    ...(extra > 0 ? [`${first.length} and ${second.length} poses`] : []),
    ...(far > 0 ? [`${far} keypoints lie up to ${furthest.toFixed(0)} px apart`] : []),
  ];
  return {
    ...nothing,
    isSame: words.length === 0,
    distance: extra + far + furthest / (1 + Math.max(picture.width, picture.height)),
    scoreDifferences: Array.from(
      { length: count },
      (_, index) => second[index]!.score - first[index]!.score,
    ),
    words: words.join('; '),
  };
}

function compareSegments(
  first: readonly Segment[],
  second: readonly Segment[],
  labels: LabelSets,
): FindingsComparison {
  const parts = (found: readonly Segment[], known: readonly string[]) =>
    new Map(
      comparable(found, known).map((index) => [found[index]!.label, found[index]!.areaFraction]),
    );
  const [a, b] = [parts(first, labels.second), parts(second, labels.first)];
  const differing = [...new Set([...a.keys(), ...b.keys()])]
    .map((label) => ({ label, by: (b.get(label) ?? 0) - (a.get(label) ?? 0) }))
    .filter(({ by }) => Math.abs(by) > AREA_TOLERANCE)
    .sort((one, other) => Math.abs(other.by) - Math.abs(one.by));
  const texts = differing.map(({ label, by }) => `${label} ${(by * 100).toFixed(1)} %`);
  return {
    ...nothing,
    isSame: differing.length === 0,
    distance: differing.reduce((sum, { by }) => sum + Math.abs(by), 0),
    words: texts.length === 0 ? '' : `B covers more or less: ${texts.slice(0, 4).join(', ')}`,
  };
}
