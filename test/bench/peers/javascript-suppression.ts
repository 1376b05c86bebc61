/** Candidates of a detector, best first; equal scores in the order of the model's output. */
export interface BoxCandidates {
  readonly count: number;
  /** x1, y1, x2, y2 of each. */
  readonly corners: Float32Array;
  /** Class index of each. */
  readonly classes: Int32Array;
}

/**
 * Greedy non-maximum suppression: a candidate is dropped when its intersection over union with a
 * better one that was kept is greater than `iouThreshold`; unless `isAgnostic`, only boxes of the
 * same class drop each other. Ends when `limit` are kept.
 * @returns places of the kept candidates, best first
 */
export function suppressOverlaps(
  { count, corners, classes }: BoxCandidates,
  iouThreshold: number,
  isAgnostic: boolean,
  limit: number,
): number[] {
  const isDropped = new Uint8Array(count);
  const kept: number[] = [];
  for (let place = 0; place < count && kept.length < limit; place += 1) {
    if (isDropped[place] === 1) continue;
    kept.push(place);
    const x1 = corners[place * 4]!;
    const y1 = corners[place * 4 + 1]!;
    const x2 = corners[place * 4 + 2]!;
    const y2 = corners[place * 4 + 3]!;
    const area = (x2 - x1) * (y2 - y1);
    const ofClass = classes[place];
    for (let other = place + 1; other < count; other += 1) {
      if (isDropped[other] === 1 || (!isAgnostic && classes[other] !== ofClass)) continue;
      const at = other * 4;
      const width = Math.min(x2, corners[at + 2]!) - Math.max(x1, corners[at]!);
      if (width <= 0) continue;
      const height = Math.min(y2, corners[at + 3]!) - Math.max(y1, corners[at + 1]!);
      if (height <= 0) continue;
      const common = width * height;
      const otherArea = (corners[at + 2]! - corners[at]!) * (corners[at + 3]! - corners[at + 1]!);
      if (common > iouThreshold * (area + otherArea - common)) isDropped[other] = 1;
    }
  }
  return kept;
}
