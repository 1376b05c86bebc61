import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseThreshold,
  roundThreshold,
} from '../../../component/inference/evaluation/choose-threshold.ts';
import {
  areaUnderRoc,
  bestPoints,
  consequencesAt,
  operatingPoints,
} from '../../../component/inference/evaluation/operating-points.ts';
import { modelManifestSchema } from '../../../component/contract/model-manifest.ts';
import type { ModelPackage } from '../../../component/inference/package/read-package.ts';
import type { ScoredPicture } from '../../../component/inference/evaluation/operating-points.ts';
import {
  pictureScore,
  withEveryClass,
} from '../../../component/inference/evaluation/picture-score.ts';
import { proportionInterval } from '../../../component/inference/evaluation/proportion-interval.ts';

const good = (...scores: number[]): ScoredPicture[] =>
  scores.map((score) => ({ isBad: false, score }));
const bad = (...scores: number[]): ScoredPicture[] =>
  scores.map((score) => ({ isBad: true, score }));

const scored = fc.record({
  isBad: fc.boolean(),
  // Few different values, so that there are ties.
  score: fc.integer({ min: 0, max: 8 }).map((eighth) => eighth / 8),
});
const bothKinds = fc
  .array(scored, { minLength: 2, maxLength: 30 })
  .filter((pictures) => new Set(pictures.map(({ isBad }) => isBad)).size === 2);

describe('proportionInterval', () => {
  // Wilson's interval as published tables have it (Newcombe, Statistics in Medicine 17, 1998, table I).
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])('of %i of %i is the published one', (count, total, low, high) => {
    const interval = proportionInterval(count, total);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('of nothing is the whole range', () => {
    expect(proportionInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });
});

describe('operatingPoints', () => {
  it('are all that thresholds can do, counted one by one', () => {
    fc.assert(
      fc.property(
        bothKinds,
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        (pictures, threshold) => {
          const point = operatingPoints(pictures).find(
            ({ from, to }) => threshold > from && threshold <= to,
          );
          expect(point).toMatchObject(consequencesAt(pictures, threshold));
        },
      ),
    );
  });

  it('hold no threshold of 0: a score of 0 is nothing found', () => {
    expect(operatingPoints([...good(0, 0.5), ...bad(0, 1)])).toEqual([
      { from: 0, to: 0.5, escapes: 1, falseRejects: 1 },
      { from: 0.5, to: 1, escapes: 1, falseRejects: 0 },
    ]);
  });

  it('are thinned to those that no other one beats', () => {
    fc.assert(
      fc.property(bothKinds, (pictures) => {
        const all = operatingPoints(pictures);
        const best = bestPoints(all);
        for (const one of all) {
          expect(
            best.some(
              (other) => other.escapes <= one.escapes && other.falseRejects <= one.falseRejects,
            ),
          ).toBe(true);
        }
      }),
    );
  });
});

describe('areaUnderRoc', () => {
  it('is the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(bothKinds, (pictures) => {
        let right = 0;
        let pairs = 0;
        for (const b of pictures.filter(({ isBad }) => isBad)) {
          for (const g of pictures.filter(({ isBad }) => !isBad)) {
            pairs += 1;
            right += b.score > g.score ? 1 : b.score === g.score ? 0.5 : 0;
          }
        }
        expect(areaUnderRoc(pictures)).toBeCloseTo(right / pairs, 12);
      }),
    );
  });

  it('is not there without both kinds', () => {
    expect(areaUnderRoc(good(0.1, 0.2))).toBeUndefined();
  });
});

describe('chooseThreshold', () => {
  const pictures = [...good(0.1, 0.2, 0.3, 0.45), ...bad(0.4, 0.6, 0.9)];
  const points = operatingPoints(pictures);
  const totals = { good: 4, bad: 3 };

  it('weighs the shares of both kinds alike, and lies far from any score', () => {
    const separate = [...good(0.1, 0.2), ...bad(0.8, 0.9)];
    expect(chooseThreshold(operatingPoints(separate), { good: 2, bad: 2 })).toMatchObject({
      threshold: 0.5,
      escapes: 0,
      falseRejects: 0,
      isBeyondWish: false,
    });
  });

  it('follows costs', () => {
    expect(chooseThreshold(points, totals, { costEscape: 10 })).toMatchObject({
      escapes: 0,
      falseRejects: 1,
    });
    expect(chooseThreshold(points, totals, { costFalseReject: 10 })).toMatchObject({
      escapes: 1,
      falseRejects: 0,
    });
  });

  it('keeps to the escapes that are allowed, and says when that cannot be', () => {
    const wish = { maxEscapes: 0, costFalseReject: 1000 };
    expect(chooseThreshold(points, totals, wish)).toMatchObject({ escapes: 0, falseRejects: 1 });
    const withNothing = operatingPoints([...good(0.1), ...bad(0, 0.5)]);
    expect(chooseThreshold(withNothing, { good: 1, bad: 2 }, wish)).toMatchObject({
      escapes: 1,
      isBeyondWish: true,
    });
  });

  it('never costs more than any other allowed threshold, and does what it promises', () => {
    const cost = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(bothKinds, cost, cost, (pictures, costEscape, costFalseReject) => {
        const count = pictures.filter(({ isBad }) => isBad).length;
        const all = operatingPoints(pictures);
        const chosen = chooseThreshold(
          all,
          { bad: count, good: pictures.length - count },
          { costEscape, costFalseReject },
        );
        expect(consequencesAt(pictures, chosen.threshold)).toEqual({
          escapes: chosen.escapes,
          falseRejects: chosen.falseRejects,
        });
        for (const { escapes, falseRejects } of all) {
          expect(
            chosen.escapes * costEscape + chosen.falseRejects * costFalseReject,
          ).toBeLessThanOrEqual(escapes * costEscape + falseRejects * costFalseReject);
        }
      }),
    );
  });
});

describe('roundThreshold', () => {
  it('is the roundest number near the middle, always inside', () => {
    expect(roundThreshold({ from: 0.4404, to: 0.5895 })).toBe(0.5);
    expect(roundThreshold({ from: 0.4404, to: 0.4501 })).toBe(0.445);
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(part, part, (a, b) => {
        fc.pre(Math.abs(a - b) > 1e-6);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const threshold = roundThreshold({ from, to });
        expect(threshold).toBeGreaterThan(from);
        expect(threshold).toBeLessThanOrEqual(to);
      }),
    );
  });
});

describe('pictureScore', () => {
  const classifier = (labels: readonly string[]) =>
    ({
      labels,
      manifest: modelManifestSchema.parse({
        name: 'parts',
        version: '1.0.0',
        task: 'classification',
        variants: [{ name: 'fp32', file: 'model.onnx' }],
        output: { decoder: 'classification', maxClasses: 1 },
      }),
    }) as unknown as ModelPackage;
  const classes = [
    { label: 'OK', labelIndex: 0, score: 0.2 },
    { label: 'scratch', labelIndex: 1, score: 0.5 },
    { label: 'dent', labelIndex: 2, score: 0.3 },
  ];
  const three = ['OK', 'scratch', 'dent'];

  it('of a classifier is the best class that is not good, by its usual names or as told', () => {
    const { badLabels, of } = pictureScore(classifier(three), {});
    expect(badLabels).toEqual(['scratch', 'dent']);
    expect(of({ classes })).toBe(0.5);
    expect(of({ classes: [] })).toBe(0);
    expect(pictureScore(classifier(three), { badLabels: ['dent'] }).of({ classes })).toBe(0.3);
    expect(pictureScore(classifier(three), { goodLabels: ['scratch'] }).of({ classes })).toBe(0.3);
  });

  it('asks which classes are bad where their names do not say it', () => {
    expect(() => pictureScore(classifier(['cat', 'dog']), {})).toThrow(/--bad-label.*cat, dog/);
  });

  it.each(['segments', 'both', 'either'])('refuses an anomaly model of decision %s', (decision) => {
    const of = (output: object) =>
      ({
        labels: [],
        manifest: modelManifestSchema.parse({
          name: 'parts',
          version: '1.0.0',
          task: 'anomaly-detection',
          variants: [{ name: 'fp32', file: 'model.onnx' }],
          output: { decoder: 'multi-head-anomaly', ...output },
        }),
      }) as unknown as ModelPackage;
    expect(() => pictureScore(of({ decision }), {})).toThrow(`output.decision '${decision}'`);
    expect(pictureScore(of({}), {}).kind).toBe('anomaly');
  });

  it('looks at every class, however few the model gives otherwise', () => {
    expect(withEveryClass(classifier(three)).manifest.output).toMatchObject({ maxClasses: 3 });
  });
});
