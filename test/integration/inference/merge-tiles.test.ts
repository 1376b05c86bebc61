import { describe, expect, it } from 'vitest';
import type { Box, Point } from '../../../component/contract/frame.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Findings } from '../../../component/contract/result.ts';
import { tileRegions } from '../../../component/contract/tiles.ts';
import { boundsOf } from '../../../component/inference/tiling/join-areas.ts';
import { intersection } from '../../../component/inference/tiling/merge-detections.ts';
import { mergeTiles } from '../../../component/inference/tiling/merge-tiles.ts';

const shown = { x: 100, y: 50, width: 900, height: 600 };
const regions = tileRegions(shown, { width: 300, height: 300 }, 60).map((tile) => ({
  ...tile,
  x: tile.x + shown.x,
  y: tile.y + shown.y,
}));
const views = regions.map((region) => ({ ...WHOLE_FRAME, region }));

const corners = ({ x, y, width, height }: Box): Point[] => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];
const areaOf = ({ width, height }: Box) => width * height;
const merged = (findingsOf: (region: Box, tile: number) => Findings) =>
  mergeTiles(
    regions.map((region, tile) => ({ findings: findingsOf(region, tile) })),
    views,
    shown,
  ).findings;

describe('anomalous areas', () => {
  /** Of rectangles, what each tile shows. */
  const anomalies = (rectangles: readonly Box[]) =>
    merged((region, tile) => {
      const parts = rectangles.flatMap((one) => intersection(one, region) ?? []);
      const areas = parts.map((box) => ({
        polygon: corners(box),
        areaFraction: areaOf(box) / areaOf(region),
      }));
      const areaFraction = areas.reduce((sum, area) => sum + area.areaFraction, 0);
      const score = parts.length === 0 ? 0.1 : 0.6 + tile / 100;
      return { anomaly: { score, threshold: 0.5, isAnomalous: score >= 0.5, areas, areaFraction } };
    }).anomaly!;

  it('are one over all the borders that cut them, with their extent and size', () => {
    const long = { x: 150, y: 300, width: 800, height: 40 };
    const alone = { x: 600, y: 560, width: 20, height: 30 };
    const found = anomalies([long, alone]);
    expect(found).toMatchObject({ isAnomalous: true, threshold: 0.5 });
    expect(found.areas).toHaveLength(2);
    const { x, y, width, height } = boundsOf(found.areas![0]!.polygon);
    expect([x, y, width, height].map(Math.round)).toEqual([150, 300, 800, 40]);
    expect(found.areas![0]!.areaFraction).toBeCloseTo(areaOf(long) / areaOf(shown), 3);
    expect(boundsOf(found.areas![1]!.polygon)).toEqual(alone);
    expect(found.areaFraction).toBeCloseTo((areaOf(long) + areaOf(alone)) / areaOf(shown), 3);
  });

  it('that do not touch stay apart though they lie in the same overlap', () => {
    const above = { x: 320, y: 120, width: 140, height: 20 };
    const below = { x: 320, y: 160, width: 140, height: 20 };
    expect(anomalies([above, below]).areas).toHaveLength(2);
  });

  it('that a tile does not list count with its share of the ground', () => {
    // A tenth of each tile: a hundredth listed in the middle, where no other tile looks.
    const { areas, areaFraction } = merged((region) => {
      const { x, y, width, height } = region;
      const box = {
        x: x + width * 0.45,
        y: y + height * 0.45,
        width: width / 10,
        height: height / 10,
      };
      const listed = [{ polygon: corners(box), areaFraction: 0.01 }];
      const anomaly = { score: 0.9, threshold: 0.5, isAnomalous: true, areas: listed };
      return { anomaly: { ...anomaly, areaFraction: 0.1 } };
    }).anomaly!;
    expect(areas).toHaveLength(regions.length);
    const inTiles = regions.reduce((sum, region) => sum + areaOf(region) * 0.01, 0);
    expect(areaFraction).toBeCloseTo(0.09 + inTiles / areaOf(shown), 5);
  });

  it('are none where a model gives a score alone', () => {
    const { anomaly } = merged((_, tile) => ({
      anomaly: { score: tile / 100, threshold: 0.5, isAnomalous: false },
    }));
    expect(anomaly).toEqual({
      score: (regions.length - 1) / 100,
      threshold: 0.5,
      isAnomalous: false,
    });
  });
});

describe('segments', () => {
  it('take the mean of what the tiles say, and are outlined once', () => {
    const road = { x: 100, y: 350, width: 900, height: 300 };
    const { segments } = merged((region) => {
      const part = intersection(road, region);
      if (!part) return { segments: [] };
      const areaFraction = areaOf(part) / areaOf(region);
      const segment = { label: 'road', labelIndex: 3, areaFraction, polygons: [corners(part)] };
      return { segments: [segment] };
    });
    expect(segments).toHaveLength(1);
    expect(segments![0]).toMatchObject({ label: 'road', labelIndex: 3 });
    expect(segments![0]!.areaFraction).toBeCloseTo(0.5, 6);
    expect(segments![0]!.polygons).toHaveLength(1);
    const bounds = boundsOf(segments![0]!.polygons[0]!);
    expect([bounds.x, bounds.y, bounds.width, bounds.height].map(Math.round)).toEqual([
      100, 350, 900, 300,
    ]);
  });
});

describe('objects with more than a box', () => {
  it('keep their mask from each part, and poses their surest keypoints', () => {
    const object = { x: 120, y: 100, width: 700, height: 60 };
    const { detections } = merged((region, tile) => ({
      detections: [intersection(object, region)].flatMap((box) =>
        box
          ? [
              {
                label: 'a',
                labelIndex: 0,
                score: 0.5 + tile / 100,
                box,
                mask: { polygons: [corners(box)] },
              },
            ]
          : [],
      ),
    }));
    expect(detections).toHaveLength(1);
    expect(detections![0]!.box).toEqual(object);
    expect(detections![0]!.mask!.polygons.length).toBeGreaterThan(2);

    const person = { x: 330, y: 100, width: 40, height: 80 };
    const { poses } = merged((region, tile) => ({
      poses: [intersection(person, region)].flatMap((box) =>
        box
          ? [
              {
                score: 0.9 - tile / 100,
                box,
                keypoints: [{ name: 'nose', x: tile, y: 0, score: 1 }],
              },
            ]
          : [],
      ),
    }));
    expect(poses).toHaveLength(1);
    expect(poses![0]).toMatchObject({ box: person, score: 0.9 });
  });

  it('are refused when a pose does not say where it is', () => {
    expect(() => merged(() => ({ poses: [{ score: 1, keypoints: [] }] }))).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
    );
  });
});
