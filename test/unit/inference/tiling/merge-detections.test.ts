import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../../../component/contract/frame.ts';
import { tileRegions } from '../../../../component/contract/tiles.ts';
import {
  intersection,
  mergeFound,
  type Placed,
  type TileFound,
} from '../../../../component/inference/tiling/merge-detections.ts';

const PICTURE = { x: 0, y: 0, width: 1000, height: 800 };
const tiles = tileRegions(PICTURE, { width: 320, height: 320 }, 64);
const enclose = ([first]: readonly Placed[], box: Box): Placed => ({ ...first!, box });
const merge = (found: readonly TileFound<Placed>[]) => mergeFound(found, PICTURE, enclose);

/** What a perfect detector finds in each tile: of every object the part that the tile shows. */
const seenIn = (
  objects: readonly Placed[],
  score: (object: number, tile: number) => number,
): TileFound<Placed>[] =>
  tiles.map((region, tile) => ({
    region,
    found: objects.flatMap((object, index) => {
      const box = intersection(object.box, region);
      return box ? [{ ...object, box, score: score(index, tile) }] : [];
    }),
  }));

const place = ({ x, y, width, height }: Box) => [x, y, width, height].map(Math.round).join(' ');

describe('objects in tiles', () => {
  /** Objects in the cells of a grid, so that they do not touch; long ones fill whole rows. */
  const object = fc.record({
    x: fc.integer({ min: 0, max: 60 }),
    y: fc.integer({ min: 0, max: 30 }),
    width: fc.integer({ min: 8, max: 380 }),
    height: fc.integer({ min: 8, max: 120 }),
    label: fc.constantFrom('person', 'car'),
  });

  it('are found once each and whole, wherever borders cut them', () => {
    fc.assert(
      fc.property(
        fc.array(object, { minLength: 1, maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 200, maxLength: 200 }),
        (shapes, scores) => {
          const objects = shapes.map(({ x, y, width, height, label }, i): Placed => ({
            label,
            score: 1,
            box: { x: (i % 2) * 500 + x, y: Math.floor(i / 2) * 155 + y, width, height },
          }));
          const scoreOf = (one: number, tile: number) => scores[(one * tiles.length + tile) % 200]!;
          const found = seenIn(objects, scoreOf);
          const merged = merge(found);
          expect(merged.map(({ box }) => place(box)).toSorted()).toEqual(
            objects.map(({ box }) => place(box)).toSorted(),
          );
          objects.forEach((one, index) => {
            const seen = tiles.flatMap((region, tile) =>
              intersection(one.box, region) ? [scoreOf(index, tile)] : [],
            );
            const own = merged.find(({ box }) => place(box) === place(one.box))!;
            expect(own).toMatchObject({ label: one.label, score: Math.max(...seen) });
          });
        },
      ),
      { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 5000 : 300 },
    );
  });

  it('that overlap in one tile stay two, and a small one before a large one stays', () => {
    const large = { label: 'person', score: 0.9, box: { x: 200, y: 100, width: 200, height: 200 } };
    const small = { label: 'person', score: 0.8, box: { x: 270, y: 150, width: 40, height: 40 } };
    const beside = {
      label: 'person',
      score: 0.7,
      box: { x: 260, y: 110, width: 180, height: 190 },
    };
    expect(merge(seenIn([large, small, beside], (one) => 0.9 - one / 10))).toHaveLength(3);
  });

  it('of different labels stay apart', () => {
    const box = { x: 270, y: 100, width: 40, height: 40 };
    const both = ['person', 'car'].map((label) => ({ label, score: 0.5, box }));
    expect(merge(seenIn(both, () => 0.5))).toHaveLength(2);
  });

  it('keep the box of the tile that shows all of them, not the larger one of a guess', () => {
    const [left, right] = [tiles[0]!, tiles[1]!];
    const cut = { label: 'person', score: 0.9, box: { x: 240, y: 100, width: 80, height: 60 } };
    const whole = { label: 'person', score: 0.6, box: { x: 262, y: 100, width: 78, height: 60 } };
    expect(
      merge([
        { region: left, found: [cut] },
        { region: right, found: [whole] },
      ]),
    ).toEqual([{ ...whole, score: 0.9 }]);
  });

  it('are as found in a picture of one tile, also where they are alike', () => {
    const found = Array.from({ length: 5 }, (_, i) => ({
      label: 'person',
      score: 0.9 - i / 10,
      box: { x: 10 + i, y: 10, width: 50, height: 50 },
    }));
    expect(mergeFound([{ region: PICTURE, found }], PICTURE, enclose)).toEqual(found);
  });

  it('are joined with what the whole picture shows of them', () => {
    const object = { label: 'person', score: 1, box: { x: 100, y: 100, width: 700, height: 500 } };
    const whole = { region: PICTURE, found: [{ ...object, score: 0.4 }] };
    const merged = merge([...seenIn([object], () => 0.8), whole]);
    expect(merged).toEqual([{ ...object, score: 0.8 }]);
  });
});
