import { describe, expect, it } from 'vitest';
import type { Detection, Findings } from '../../../component/contract/result.ts';
import {
  commonKinds,
  compareFindings,
} from '../../../component/inference/evaluation/compare-findings.ts';

const picture = { width: 100, height: 100 };
const noLabels = { first: [], second: [] };
const at = (x: number, label: string, score: number): Detection => ({
  label,
  labelIndex: 0,
  score,
  box: { x, y: 0, width: 10, height: 10 },
});
const compare = (first: Findings, second: Findings, labels = noLabels) =>
  compareFindings(first, second, picture, labels as { first: string[]; second: string[] });

describe('compareFindings', () => {
  it('pairs detections by label and overlap, the best pair first', () => {
    const first = [at(0, 'part', 0.9), at(40, 'part', 0.6), at(80, 'hand', 0.8)];
    // 12 to 22 overlaps 10 to 20 by 8 of 12; the one at 81 has another label.
    const second = [
      at(41, 'part', 0.7),
      at(1, 'part', 0.8),
      at(2, 'part', 0.5),
      at(81, 'part', 0.4),
    ];
    const found = compare({ detections: first }, { detections: second });
    expect(found.isSame).toBe(false);
    expect(found.overlaps).toEqual([9 / 11, 9 / 11]);
    expect(found.scoreDifferences.map((value) => value.toFixed(3)).sort()).toEqual([
      '-0.100',
      '0.100',
    ]);
    expect({ a: found.onlyFirst, b: found.onlySecond }).toEqual({ a: [2], b: [2, 3] });
    expect(found.surest).toEqual([0.8, 0.5]);
    expect(found.words).toBe('only A: hand 0.80; only B: part 0.50, part 0.40');
  });

  it('counts boxes that overlap by less than half as two objects', () => {
    // 7 of 13 and 6 of 14.
    const far = (x: number) =>
      compare({ detections: [at(0, 'a', 0.5)] }, { detections: [at(x, 'a', 0.5)] });
    expect([far(3).isSame, far(4).isSame]).toEqual([true, false]);
  });

  it('leaves findings out whose label the other model does not have', () => {
    const labels = { first: ['car', 'person'], second: ['car', 'van'] };
    const found = compare(
      { detections: [at(0, 'car', 0.9), at(50, 'person', 0.9)] },
      { detections: [at(0, 'car', 0.9), at(80, 'van', 0.9)] },
      labels as unknown as typeof noLabels,
    );
    expect(found).toMatchObject({ isSame: true, onlyFirst: [], onlySecond: [] });
    const classes = (label: string) => ({ classes: [{ label, labelIndex: 0, score: 0.5 }] });
    expect(
      compare(classes('person'), classes('car'), labels as unknown as typeof noLabels).words,
    ).toBe('nothing and car 0.50');
  });

  it('compares anomaly models by verdict', () => {
    const anomaly = (score: number) => ({
      anomaly: { score, threshold: 0.5, isAnomalous: score >= 0.5 },
    });
    expect(compare(anomaly(0.1), anomaly(0.4))).toMatchObject({ isSame: true, words: '' });
    const flipped = compare(anomaly(0.45), anomaly(0.55));
    expect(flipped).toMatchObject({ isSame: false, words: 'good 0.450 and anomalous 0.550' });
    expect(flipped.distance).toBeGreaterThan(compare(anomaly(0), anomaly(0.49)).distance);
  });

  it('compares poses by how far their sure keypoints lie apart', () => {
    const pose = (x: number, score = 0.9) => ({
      poses: [{ score, keypoints: [{ name: 'nose', x, y: 0, score }] }],
    });
    expect(compare(pose(10), pose(13)).isSame).toBe(true);
    expect(compare(pose(10), pose(20)).words).toBe('1 keypoints lie up to 10 px apart');
    expect(compare(pose(10, 0.1), pose(90, 0.1)).isSame).toBe(true);
    expect(compare(pose(10), { poses: [] }).words).toBe('1 and 0 poses');
  });

  it('compares segments by the part of the picture that each class covers', () => {
    const road = (areaFraction: number) => ({
      segments: [{ label: 'road', labelIndex: 0, areaFraction, polygons: [] }],
    });
    expect(compare(road(0.5), road(0.52)).isSame).toBe(true);
    expect(compare(road(0.5), road(0.3)).words).toMatch(/road -20\.0 %/);
  });

  it('compares readers by what they read, whatever the order', () => {
    const lines = (...read: string[]) => ({ text: read.map((text) => ({ text, score: 0.9 })) });
    expect(compare(lines('A1', 'B2'), lines('B2', 'A1')).isSame).toBe(true);
    expect(compare(lines('A1'), lines('AI')).words).toBe('only A reads: A1; only B: AI');
    const places = (count: number) => ({
      text: Array.from({ length: count }, () => ({ score: 0.9 })),
    });
    expect(compare(places(2), places(2)).isSame).toBe(true);
  });

  it('knows which kinds two models have in common', () => {
    const anomaly = { score: 0, threshold: 0.5, isAnomalous: false };
    expect(commonKinds({ detections: [] }, { anomaly })).toEqual([]);
    expect(commonKinds({ detections: [] }, { detections: [] })).toEqual(['detections']);
  });
});
