/** How four values say a box: x right, y down. */
export type BoxFormat = 'xyxy' | 'yxyx' | 'xywh' | 'cxcywh';

/** x1, y1, x2, y2 of the box that begins at `start`. */
export function cornersOf(
  values: ArrayLike<number>,
  start: number,
  format: BoxFormat,
): [number, number, number, number] {
  const a = values[start]!;
  const b = values[start + 1]!;
  const c = values[start + 2]!;
  const d = values[start + 3]!;
  switch (format) {
    case 'xyxy':
      return [a, b, c, d];
    case 'yxyx':
      return [b, a, d, c];
    case 'xywh':
      return [a, b, a + c, b + d];
    case 'cxcywh':
      return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
  }
}
