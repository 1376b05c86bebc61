import { expect, test } from 'vitest';
import type { Box, Size } from '../../../component/contract/frame.ts';
import { halfToNumber } from '../../../component/decode/output-values.ts';
import {
  classAreas,
  instanceMasks,
  mapAreas,
  maskAreas,
  type AreaList,
  type AreaSearch,
  type ClassAreas,
  type MapFault,
} from '../../../native/index.ts';
import { maskAreas as javaScriptAreas } from '../../bench/peers/javascript-mask-areas.ts';
import { seededRandom } from '../../unit/decode/yolo-oracle.ts';
import { fillContours, instanceMaskReference, withoutHoles } from './mask-reference.ts';

const RUNS = process.env['VEDETTE_DEEP'] === '1' ? 3000 : 300;
const random = seededRandom(17);
const below = (limit: number) => Math.floor(random() * limit);

function randomGrid(most: number): { size: Size; within: Box; cells: number } {
  const size = { width: 1 + below(most), height: 1 + below(most) };
  const x = below(size.width);
  const y = below(size.height);
  const isWhole = random() < 0.5;
  const within = isWhole
    ? { x: 0, y: 0, ...size }
    : { x, y, width: below(size.width - x + 1), height: below(size.height - y + 1) };
  return { size, within, cells: size.width * size.height };
}

const searchOf = (size: Size, within: Box): AreaSearch => ({
  size,
  within,
  minCells: random() < 0.5 ? 1 : random() * 6,
  maxAreas: random() < 0.7 ? 100_000 : below(4),
});

function expectAreas(found: AreaList, mask: Uint8Array, search: AreaSearch): void {
  const expected = javaScriptAreas(mask, search.size, search.within, search.minCells);
  expect(found.cellCount).toBe(expected.reduce((sum, { cellCount }) => sum + cellCount, 0));
  expect(found.areas).toEqual(expected.slice(0, search.maxAreas));
}

function good<T extends AreaList | ClassAreas>(found: T | MapFault): T {
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

test('areas of masks are those of plain JavaScript, corner by corner', () => {
  for (let run = 0; run < RUNS; run += 1) {
    const { size, within, cells } = randomGrid(run % 10 === 0 ? 90 : 20);
    const share = random();
    // Any value but 0 is set, and each row may be longer than a word.
    const mask = Uint8Array.from({ length: cells }, () => (random() < share ? 1 + below(255) : 0));
    const search = searchOf(size, within);
    expectAreas(maskAreas(mask, search), mask, search);
  }
});

test('areas of maps are those of the compared values', () => {
  for (let run = 0; run < RUNS; run += 1) {
    const { size, within, cells } = randomGrid(20);
    const values = Float32Array.from({ length: cells }, () => below(10) / 10);
    const threshold = random() < 0.5 ? below(11) / 10 : random();
    const search = searchOf(size, within);
    const mask = Uint8Array.from(values, (value) => (value >= threshold ? 1 : 0));
    expectAreas(good(mapAreas(values, threshold, search)), mask, search);
    const halves = Uint16Array.from({ length: cells }, () => below(0x3c00));
    const ofHalves = Uint8Array.from(halves, (half) => (halfToNumber(half) >= threshold ? 1 : 0));
    expectAreas(good(mapAreas(halves, threshold, search)), ofHalves, search);
  }
});

test('areas of classes are those of the first greatest score of each cell', () => {
  for (let run = 0; run < RUNS; run += 1) {
    const { size, within, cells } = randomGrid(run % 20 === 0 ? 60 : 16);
    const classCount = 1 + below(9);
    const scores = Float32Array.from({ length: cells * classCount }, () => below(6) - 3);
    const isLast = random() < 0.5;
    const score = (cell: number, index: number) =>
      scores[isLast ? cell * classCount + index : index * cells + cell]!;
    const map = Array.from({ length: cells }, (_, cell) => {
      const all = Array.from({ length: classCount }, (_, index) => score(cell, index));
      return all.indexOf(Math.max(...all));
    });
    const background = random() < 0.5 ? below(classCount) : undefined;
    const search = searchOf(size, within);
    const settings = { classCount, isLast, background };
    const found = good(classAreas(scores, settings, search));
    const expected = Array.from({ length: classCount }, (_, labelIndex) => {
      const mask = Uint8Array.from(map, (index) => (index === labelIndex ? 1 : 0));
      const areas = javaScriptAreas(mask, size, within, search.minCells);
      return areas.map((area) => ({ labelIndex, ...area }));
    });
    const listed = expected
      .flatMap((areas, index) => (index === background ? [] : areas))
      .sort((a, b) => b.cellCount - a.cellCount || firstCell(a, size) - firstCell(b, size));
    expect(found.areas).toEqual(listed.slice(0, search.maxAreas));
    const counts = new Array<number>(classCount).fill(0);
    map.forEach((index, cell) => {
      const [x, y] = [cell % size.width, Math.floor(cell / size.width)];
      const { x: left, y: top, width, height } = within;
      if (x >= left && y >= top && x < left + width && y < top + height) counts[index]! += 1;
    });
    expect([...found.counts]).toEqual(counts);
    for (const indices of [
      Uint8Array.from(map),
      Int32Array.from(map),
      BigInt64Array.from(map, BigInt),
    ]) {
      expect(classAreas(indices, settings, search)).toEqual(found);
    }
  }
});

const firstCell = ({ contour }: { contour: readonly { x: number; y: number }[] }, size: Size) =>
  contour[0]!.y * size.width + contour[0]!.x;

test('instance masks are the prototypes mixed, cropped, enlarged and compared', () => {
  let set = 0;
  for (let run = 0; run < RUNS / 5; run += 1) {
    const ratio = 1 + below(4);
    const prototype = { width: 4 + below(16), height: 4 + below(16), channels: 1 + below(6) };
    const odd = random() < 0.3 ? below(5) : 0;
    const input = { width: prototype.width * ratio + odd, height: prototype.height * ratio };
    const { channels } = prototype;
    const values = Float32Array.from(
      { length: channels * prototype.width * prototype.height },
      () => random() * 2 - 1,
    );
    const detections = Array.from({ length: 3 }, () => {
      const x = random() * input.width * 1.2 - 2;
      const y = random() * input.height * 1.2 - 2;
      const box = [x, y, x + random() * input.width, y + random() * input.height].map(Math.fround);
      const coefficients = Array.from({ length: channels }, () => Math.fround(random() * 2 - 1));
      return { box, coefficients };
    });
    const boxes = Float32Array.from(
      detections.flatMap(({ box, coefficients }) => [...box, ...coefficients]),
    );
    const isWhole = random() < 0.5;
    const within = isWhole
      ? { x: 0, y: 0, ...input }
      : { x: 1, y: 2, width: input.width - 2, height: input.height - 3 };
    const search = { size: input, within, minCells: 1, maxAreas: 100_000 };
    const found = instanceMasks({ ...prototype, values }, boxes, search);
    if ('kind' in found) throw new Error(found.kind);
    expect(found).toHaveLength(3);
    detections.forEach(({ box, coefficients }, index) => {
      const reference = instanceMaskReference({ ...prototype, values }, box, coefficients, input);
      const contours = found[index]!.areas.map(({ contour }) => contour);
      const filled = fillContours(contours, input);
      const expected = withoutHoles(cut(reference.mask, input, within), input, within);
      const isNear = reference.values.map((value) => (Math.abs(value) < 1e-6 ? 1 : 0));
      // Single and double precision may differ about a value that is nearly 0.
      if (isNear.some((near, cell) => near === 1 && reference.values[cell] !== 0)) return;
      for (let cell = 0; cell < filled.length; cell += 1) {
        const x = cell % input.width;
        const y = Math.floor(cell / input.width);
        const isIn =
          x >= within.x &&
          y >= within.y &&
          x < within.x + within.width &&
          y < within.y + within.height;
        expect(filled[cell], `run ${run}, ${index}: pixel ${x}, ${y}`).toBe(
          isIn ? expected[cell] : 0,
        );
        set += filled[cell]!;
      }
    });
  }
  expect(set).toBeGreaterThan(1000);
});

function cut(mask: Uint8Array, { width }: Size, within: Box): Uint8Array {
  return mask.map((value, cell) => {
    const [x, y] = [cell % width, Math.floor(cell / width)];
    const { x: left, y: top } = within;
    return x >= left && y >= top && x < left + within.width && y < top + within.height ? value : 0;
  });
}

test('a NaN anywhere, and an index that is no class, come back as a fault', () => {
  const search = { size: { width: 5, height: 7 }, within: { x: 0, y: 0, width: 1, height: 1 } };
  const all = { ...search, minCells: 1, maxAreas: 9 };
  for (let cell = 0; cell < 35; cell += 1) {
    const values = new Float32Array(35).fill(0.5);
    values[cell] = [NaN, Infinity, -Infinity][cell % 3]!;
    expect(mapAreas(values, 0.5, all)).toEqual({ kind: 'not-finite' });
    const scores = { classCount: 1, isLast: cell % 2 === 0, background: undefined };
    expect(classAreas(values, scores, all)).toEqual({ kind: 'not-finite' });
    const prototypes = { channels: 1, width: 5, height: 7, values };
    expect(instanceMasks(prototypes, new Float32Array(0), all)).toEqual({ kind: 'not-finite' });
    for (const bad of [3n, -1n, 2n ** 62n, -(2n ** 63n)]) {
      const indices = new BigInt64Array(35);
      indices[cell] = bad;
      const map = { classCount: 3, isLast: false, background: undefined };
      const fault = { kind: 'no-class', element: cell, value: Number(bad) };
      expect(classAreas(indices, map, all)).toEqual(fault);
    }
  }
});
