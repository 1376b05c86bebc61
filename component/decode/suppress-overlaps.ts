import { YoloHeadReader } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';

export interface ScoredBox {
  readonly labelIndex: number;
  readonly score: number;
  /** x1, y1, x2, y2. */
  readonly corners: readonly [number, number, number, number];
}

/** Centre x, centre y, width, height, score, place among the candidates. */
const COLUMNS = 6;
/** The addon's own limit. */
const MAX_CANDIDATES = 4096;

const reader = new YoloHeadReader();

/**
 * The boxes that are left, best first, equal ones in their order: one is dropped when its
 * intersection over union with a better one that was kept is greater than `iouThreshold`. The best
 * 4096 candidates take part, of each class when classes do not drop each other. Decided in the addon,
 * by the rule of YOLO heads.
 * @throws VedetteError OUTPUT_INVALID for a box whose width or height no float32 holds
 */
export function suppressOverlaps(
  candidates: readonly ScoredBox[],
  options: {
    readonly iouThreshold: number;
    readonly isAgnostic: boolean;
    /** 1–4096. */
    readonly limit: number;
    /** Where the boxes come from, for errors. */
    readonly output: string;
  },
): ScoredBox[] {
  const { isAgnostic, limit } = options;
  const groups = new Map<number, number[]>();
  candidates.forEach(({ labelIndex }, place) => {
    const group = isAgnostic ? 0 : labelIndex;
    const places = groups.get(group);
    if (places) places.push(place);
    else groups.set(group, [place]);
  });
  const kept = [...groups.values()].flatMap((places) => keptOf(candidates, places, options));
  return kept
    .sort((a, b) => candidates[b]!.score - candidates[a]!.score || a - b)
    .slice(0, limit)
    .map((place) => candidates[place]!);
}

/** Of candidates that drop each other whatever their class. */
function keptOf(
  candidates: readonly ScoredBox[],
  places: readonly number[],
  options: { readonly iouThreshold: number; readonly limit: number; readonly output: string },
): number[] {
  const { iouThreshold, limit, output } = options;
  const values = new Float32Array(places.length * COLUMNS);
  places.forEach((place, index) => {
    const { corners, score } = candidates[place]!;
    const [x1, y1, x2, y2] = corners;
    values.set([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, score, index], index * COLUMNS);
  });
  const head = {
    layout: 'rows',
    hasObjectness: false,
    channels: COLUMNS,
    anchors: places.length,
    classCount: 1,
  } as const;
  const { count, rows, rowLength, fault } = reader.read(values, head, Float32Array.of(-Infinity), {
    iouThreshold,
    isAgnostic: true,
    limit: Math.min(limit, MAX_CANDIDATES),
  });
  if (fault) throw boxInvalid(values, output);
  return Array.from({ length: count }, (_, row) => places[rows[row * rowLength + rowLength - 1]!]!);
}

/** The scores are known to be some: what is left is a box that became infinite. */
function boxInvalid(values: Float32Array, output: string): VedetteError {
  const element = values.findIndex((value) => !Number.isFinite(value));
  const start = element - (element % COLUMNS);
  const [x, y, width, height] = values.subarray(start, start + 4);
  return new VedetteError(
    'OUTPUT_INVALID',
    `output '${output}' holds a box around ${x}, ${y} of ${width} by ${height} pixels, expected finite sides`,
    { details: { output, width: String(width), height: String(height) } },
  );
}
