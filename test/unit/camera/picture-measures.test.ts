import { expect, it } from 'vitest';
import { changedFraction, type LumaPicture } from '../../../component/camera/picture-measures.ts';

const picture = (rows: readonly (readonly number[])[]): LumaPicture => ({
  ...{ width: rows[0]!.length, height: rows.length },
  luma: Uint8Array.from(rows.flat()),
});
const before = picture([
  [10, 10, 10, 10],
  [10, 10, 10, 10],
]);
const after = picture([
  [10, 35, 36, 0],
  [36, 10, 10, 255],
]);

it('the changed share is of the pixels that differ by more than the least difference', () => {
  expect(changedFraction(after, before, 25)).toBe(3 / 8);
  expect(changedFraction(before, after, 24)).toBe(4 / 8);
  expect(changedFraction(before, before, 1)).toBe(0);
});

it('the changed share of a region looks at nothing else', () => {
  expect(changedFraction(after, before, 25, { x: 2, y: 0, width: 2, height: 2 })).toBe(2 / 4);
  expect(changedFraction(after, before, 25, { x: 1, y: 1, width: 2, height: 1 })).toBe(0);
});

it('pictures of two sizes have no changed share', () => {
  expect(changedFraction(before, picture([[10]]), 25)).toBeUndefined();
});
