import { describe, expect, it } from 'vitest';
import { CameraHealth } from '../../../component/camera/camera-health.ts';
import {
  correlation,
  lumaOf,
  meanDifference,
  measurePicture,
  type LumaPicture,
} from '../../../component/camera/picture-measures.ts';
import {
  cameraHealthSchema,
  type CameraMeasures,
} from '../../../component/contract/camera-health.ts';

const picture = (
  width: number,
  height: number,
  value: (x: number, y: number) => number,
): LumaPicture => ({
  ...{ width, height },
  luma: Uint8Array.from({ length: width * height }, (_, at) =>
    value(at % width, Math.floor(at / width)),
  ),
});
const noise = picture(32, 24, (x, y) => (x * 7919 + y * 104_729 + x * y * 31) % 256);
/** Each pixel the mean of the nine around it. */
const blurred = picture(32, 24, (x, y) => {
  let sum = 0;
  for (const dy of [-1, 0, 1]) {
    for (const dx of [-1, 0, 1]) {
      const [atX, atY] = [Math.min(31, Math.max(0, x + dx)), Math.min(23, Math.max(0, y + dy))];
      sum += noise.luma[atY * 32 + atX]!;
    }
  }
  return sum / 9;
});

describe('measures of a picture', () => {
  it('are those of their definitions', () => {
    const step = picture(4, 3, (x) => (x < 2 ? 0 : 255));
    // Inner pixels are (1, 1) with a Laplacian of 255 and (2, 1) with −255.
    expect(measurePicture(step)).toEqual({
      meanLuma: 127.5,
      darkFraction: 0.5,
      brightFraction: 0.5,
      sharpness: 255 ** 2,
    });
    expect(
      meanDifference(
        step,
        picture(4, 3, () => 10),
      ),
    ).toBe(127.5);
    expect([
      ...lumaOf({ width: 2, height: 1, data: Uint8Array.of(255, 255, 255, 255, 0, 0) }).luma,
    ]).toEqual([255, 77]);
  });

  it('know a blurred picture by its sharpness', () => {
    expect(measurePicture(blurred).sharpness).toBeLessThan(measurePicture(noise).sharpness / 4);
  });

  it('know the same view in another light, and another view', () => {
    const darker = picture(32, 24, (x, y) => noise.luma[y * 32 + x]! / 2);
    const shifted = picture(32, 24, (x, y) => noise.luma[y * 32 + ((x + 9) % 32)]!);
    expect(correlation(noise, noise)).toBeCloseTo(1, 10);
    expect(correlation(noise, darker)).toBeGreaterThan(0.99);
    expect(Math.abs(correlation(noise, shifted)!)).toBeLessThan(0.3);
  });

  it('are not made of pictures that cannot be compared', () => {
    expect(
      correlation(
        noise,
        picture(32, 24, () => 7),
      ),
    ).toBeUndefined();
    expect(
      correlation(
        noise,
        picture(24, 32, () => 7),
      ),
    ).toBeUndefined();
    expect(
      meanDifference(
        noise,
        picture(24, 32, () => 7),
      ),
    ).toBeUndefined();
  });
});

const WELL: CameraMeasures = {
  atMs: 0,
  meanLuma: 100,
  darkFraction: 0.1,
  brightFraction: 0.05,
  sharpness: 500,
  difference: 3,
  correlation: 0.9,
  framesPerSecond: 25,
  clockDifferenceMs: -80,
};

/** The health of a camera that was measured once a second; what began and ended. */
function follow(config: Record<string, unknown>, measures: readonly Partial<CameraMeasures>[]) {
  const health = new CameraHealth();
  const parsed = cameraHealthSchema.parse({ minSharpness: 250, framesPerSecond: 25, ...config });
  const changes = measures.flatMap((measure, second) =>
    health
      .take({ ...WELL, atMs: second * 1000, ...measure }, parsed, second * 1000)
      .map(({ kind, hasBegun }) => `${second} ${hasBegun ? 'begins' : 'ends'} ${kind}`),
  );
  return { changes, kinds: health.state.conditions.map(({ kind }) => kind) };
}
const times = (count: number, measure: Partial<CameraMeasures>) =>
  Array<Partial<CameraMeasures>>(count).fill(measure);

describe('CameraHealth', () => {
  it('is as frozen as it was when the system clock is set', () => {
    const still = { difference: 0 };
    const config = { frozenAfterMs: 10_000 };
    const forward = [...times(3, still), ...times(3, { ...still, atMs: 7_200_000 })];
    expect(follow(config, forward).changes).toEqual([]);
    const back = [...times(5, still), ...times(15, { ...still, atMs: -7_200_000 })];
    expect(follow(config, back).kinds).toEqual(['frozen']);
  });

  it('finds nothing wrong with a camera that is well', () => {
    expect(follow({}, times(60, {}))).toEqual({ changes: [], kinds: [] });
  });

  it.each([
    ['black', { darkFraction: 1, meanLuma: 2 }],
    ['over-exposed', { brightFraction: 0.9 }],
    ['under-exposed', { meanLuma: 12 }],
    ['out-of-focus', { sharpness: 60 }],
    ['moved', { correlation: 0.1 }],
    ['wrong-rate', { framesPerSecond: 12 }],
    ['clock-drift', { clockDifferenceMs: -3_600_000 }],
  ])('says that a camera is %s, once it is so three times, and when it is over', (kind, bad) => {
    const { changes } = follow({}, [...times(2, bad), {}, ...times(5, bad), ...times(5, {})]);
    expect(changes).toEqual([`5 begins ${kind}`, `10 ends ${kind}`]);
  });

  it('says how long it lasted, by a clock that nobody sets', () => {
    const health = new CameraHealth();
    const config = cameraHealthSchema.parse({ samples: 1 });
    const take = (nowMs: number, measures: Partial<CameraMeasures>) =>
      health.take({ ...WELL, ...measures }, config, nowMs);
    expect(take(1000, { darkFraction: 1 })[0]).not.toHaveProperty('lastedMs');
    take(3000, { correlation: 0.1 });
    const [ended] = take(5000, {});
    expect(ended).toMatchObject({ kind: 'moved', hasBegun: false, lastedMs: 2000 });
    take(6000, { correlation: 0.1 });
    const { correlation: _none, ...unjudged } = WELL;
    expect(health.take(unjudged, config, 7500)).toEqual([
      { kind: 'moved', hasBegun: false, message: 'it is no longer measured', lastedMs: 1500 },
    ]);
  });

  it('does not begin and end again around a limit', () => {
    const near = [...times(3, { meanLuma: 29 }), ...times(20, { meanLuma: 31 })];
    expect(follow({}, near).changes).toEqual(['2 begins under-exposed']);
    expect(follow({}, [...near, ...times(3, { meanLuma: 34 })]).kinds).toEqual([]);
  });

  it('says that a picture is frozen by the time for which it was the same', () => {
    const frozen = follow({ frozenAfterMs: 10_000, samples: 1 }, [
      {},
      ...times(14, { difference: 0 }),
    ]);
    expect(frozen.changes).toEqual(['10 begins frozen']);
    const over = [{}, ...times(14, { difference: 0 }), {}];
    expect(follow({ frozenAfterMs: 10_000, samples: 1 }, over).kinds).toEqual([]);
  });

  describe('of a camera that leaves out pictures that did not change', () => {
    /** `new` is a picture that was measured, `other` one that was not, `same` the one before again. */
    function hear(config: Record<string, unknown>, seconds: readonly ('new' | 'other' | 'same')[]) {
      const health = new CameraHealth();
      const parsed = cameraHealthSchema.parse({
        minSharpness: 250,
        framesPerSecond: 25,
        ...config,
      });
      let measures: CameraMeasures | undefined;
      let sinceMs: number | undefined;
      const changes = seconds.flatMap((picture, second) => {
        const nowMs = second * 1000;
        if (picture !== 'same') {
          sinceMs = undefined;
          measures = picture === 'new' ? { ...WELL, atMs: nowMs } : undefined;
          return measures === undefined ? [] : health.take(measures, parsed, nowMs);
        }
        sinceMs ??= nowMs;
        const again = measures === undefined ? {} : { measures: { ...measures, difference: 0 } };
        return health.repeat({ atMs: nowMs, sinceMs, ...again }, parsed, nowMs);
      });
      return changes.map(({ kind, hasBegun, message }) => `${hasBegun} ${kind}: ${message}`);
    }
    const same = (count: number) => Array<'same'>(count).fill('same');
    const begun = (after: number) => `true frozen: the picture has not changed for ${after} s`;

    it('is frozen by the time for which the same one comes, measured or not', () => {
      const config = { frozenAfterMs: 10_000 };
      expect(hear(config, ['new', ...same(11)])).toEqual([]);
      expect(hear(config, ['new', ...same(12)])).toEqual([begun(12)]);
      expect(hear(config, ['new', 'other', ...same(12)])).toEqual([]);
      expect(hear(config, ['new', 'other', ...same(13)])).toEqual([begun(12)]);
      expect(hear(config, same(13))).toEqual([begun(12)]);
    });

    it('is not frozen when it renews its picture in less than frozenAfterMs, and no longer', () => {
      const minute = ['new', ...same(59)] as const;
      const minutes = [...minute, ...minute, ...minute];
      expect(hear({ frozenAfterMs: 90_000 }, minutes)).toEqual([]);
      expect(hear({ frozenAfterMs: 90_000 }, ['new', ...same(100), ...minutes])).toEqual([
        begun(92),
        'false frozen: the picture has not changed for 0 s',
      ]);
    });

    it('is as frozen when the picture that comes again is measured late', () => {
      const health = new CameraHealth();
      const config = cameraHealthSchema.parse({ frozenAfterMs: 2000, samples: 1 });
      const kinds = [
        health.repeat({ atMs: 1000, sinceMs: 1000 }, config, 1000),
        health.repeat({ atMs: 3000, sinceMs: 1000 }, config, 3000),
        health.take({ ...WELL, atMs: 4000 }, config, 4000, 1000),
        health.take({ ...WELL, atMs: 5000 }, config, 5000),
      ].map((changes) => changes.map(({ kind, hasBegun }) => `${kind} ${hasBegun}`));
      expect(kinds).toEqual([[], ['frozen true'], [], ['frozen false']]);
    });

    it('is as black as the picture that it repeats', () => {
      const health = new CameraHealth();
      const config = cameraHealthSchema.parse({});
      const measures = { ...WELL, darkFraction: 1 };
      const kinds = [
        health.take(measures, config, 0),
        health.repeat({ atMs: 1000, sinceMs: 1000, measures }, config, 1000),
        health.repeat({ atMs: 2000, sinceMs: 1000, measures }, config, 2000),
      ].map((changes) => changes.map(({ kind }) => kind));
      expect(kinds).toEqual([[], [], ['black']]);
    });
  });

  it('judges neither focus nor rate nor view when nothing was said of them', () => {
    const health = new CameraHealth();
    const { correlation: _none, ...measures } = WELL;
    for (let atMs = 0; atMs < 9000; atMs += 1000) {
      health.take(
        { ...measures, atMs, sharpness: 0, framesPerSecond: 1 },
        cameraHealthSchema.parse({}),
        atMs,
      );
    }
    expect(health.state.conditions).toEqual([]);
  });
});
