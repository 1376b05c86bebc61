/** A plain reading of YOLO heads, written from their public definition and nothing else. */

export interface OracleBox {
  readonly label: number;
  readonly score: number;
  /** x1, y1, x2, y2 in input pixels. */
  readonly box: readonly [number, number, number, number];
  readonly row: readonly number[];
}

/**
 * @param rows of each candidate: centre x, centre y, width, height, objectness if there is one,
 * scores of the classes, anything further
 */
export function readYolo(
  rows: readonly (readonly number[])[],
  options: {
    classes: number;
    hasObjectness: boolean;
    threshold: number;
    iou: number;
    isAgnostic?: boolean;
  },
): OracleBox[] {
  const first = options.hasObjectness ? 5 : 4;
  const candidates = rows.map((row): OracleBox => {
    const classScores = row.slice(first, first + options.classes);
    const best = Math.max(...classScores);
    const [cx, cy, w, h] = row as [number, number, number, number];
    return {
      label: classScores.indexOf(best),
      score: Math.fround(options.hasObjectness ? best * row[4]! : best),
      box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2],
      row,
    };
  });
  let rest = candidates
    .filter(({ score }) => score >= Math.fround(options.threshold))
    .sort((a, b) => b.score - a.score);
  const kept: OracleBox[] = [];
  while (rest.length > 0) {
    const [best, ...others] = rest as [OracleBox, ...OracleBox[]];
    kept.push(best);
    rest = others.filter(
      (other) =>
        (!options.isAgnostic && other.label !== best.label) || iou(best, other) <= options.iou,
    );
  }
  return kept;
}

export function iou(a: OracleBox, b: OracleBox): number {
  const width = Math.min(a.box[2], b.box[2]) - Math.max(a.box[0], b.box[0]);
  const height = Math.min(a.box[3], b.box[3]) - Math.max(a.box[1], b.box[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ({ box }: OracleBox) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** [N, channels] to [channels, N]. */
export function transposed(rows: readonly (readonly number[])[]): number[] {
  const channels = rows[0]?.length ?? 0;
  return Array.from({ length: channels }, (_, channel) => rows.map((row) => row[channel]!)).flat();
}

/** Repeatable numbers 0–1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
