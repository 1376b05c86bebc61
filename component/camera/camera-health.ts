import type {
  CameraCondition,
  CameraConditionKind,
  CameraHealthConfig,
  CameraMeasures,
  CameraPictureHealth,
} from '../contract/camera-health.ts';

/** One condition as a measurement sees it: how far the value is on the wrong side of its limit. */
interface Judgement {
  readonly kind: CameraConditionKind;
  readonly isBeyond: boolean;
  /** Whether it is so far on the right side that the condition may end. */
  readonly isWell: boolean;
  readonly message: string;
}

interface Memory {
  beyond: number;
  well: number;
  condition: CameraCondition | undefined;
  /** When the condition began, by a clock that nobody sets. */
  begunMs: number;
}

/** That a source gave the very picture again that it gave last. */
export interface RepeatedPicture {
  readonly atMs: number;
  /** Of that picture; absent when it was not measured. */
  readonly measures?: CameraMeasures;
  /** When it was first given again, by a clock that nobody sets. */
  readonly sinceMs: number;
}

export interface CameraHealthChange {
  readonly kind: CameraConditionKind;
  readonly hasBegun: boolean;
  readonly message: string;
  /** Of one that ended. */
  readonly lastedMs?: number;
}

/** Decides by measurements which conditions a camera is in, with hysteresis in value and in time. */
export class CameraHealth {
  readonly #memories = new Map<CameraConditionKind, Memory>();
  #measures: CameraMeasures | undefined;
  #lastMovementMs: number | undefined;

  get state(): CameraPictureHealth {
    const conditions = [...this.#memories.values()].flatMap(({ condition }) => condition ?? []);
    return { conditions, ...(this.#measures === undefined ? {} : { measures: this.#measures }) };
  }

  /**
   * Takes a measurement. Returns the conditions that began or ended by it.
   * @param nowMs by a clock that nobody sets
   * @param sinceMs since when the camera has given this picture, where it came again before it was measured
   */
  take(
    measures: CameraMeasures,
    config: CameraHealthConfig,
    nowMs: number,
    sinceMs = nowMs,
  ): readonly CameraHealthChange[] {
    const isStill = (measures.difference ?? Infinity) <= config.maxFrozenDifference;
    if (!isStill) this.#lastMovementMs = sinceMs;
    this.#lastMovementMs ??= sinceMs;
    this.#measures = measures;
    const stillMs = nowMs - this.#lastMovementMs;
    return this.#weighAll(judge(measures, stillMs, config), measures.atMs, config, nowMs);
  }

  /**
   * Takes a picture that came again. It is nothing against a camera until it lasts for `frozenAfterMs`, so
   * that one that seldom gives a new picture may be well, and stop being frozen. What else is wrong is
   * judged of one that was measured. Returns the conditions that began or ended by it.
   * @param nowMs by a clock that nobody sets
   */
  repeat(
    { atMs, measures, sinceMs }: RepeatedPicture,
    config: CameraHealthConfig,
    nowMs: number,
  ): readonly CameraHealthChange[] {
    const isMeasured = measures !== undefined;
    const stillMs = nowMs - ((isMeasured ? this.#lastMovementMs : undefined) ?? sinceMs);
    const frozen = judgeFrozen(stillMs, config);
    if (!isMeasured) {
      return frozen.isBeyond ? this.#weigh(frozen, atMs, nowMs, config.samples) : [];
    }
    this.#measures = measures;
    const judgements = judge(measures, stillMs, config);
    return this.#weighAll(judgements, atMs, config, nowMs, frozen.isBeyond ? undefined : 'frozen');
  }

  /** All but the condition that is left as it is. */
  #weighAll(
    judgements: readonly Judgement[],
    atMs: number,
    config: CameraHealthConfig,
    nowMs: number,
    left?: CameraConditionKind,
  ): readonly CameraHealthChange[] {
    const judged = new Set(judgements.map(({ kind }) => kind));
    // What is not measured any more is not known to be wrong.
    const gone = [...this.#memories.keys()].filter((kind) => !judged.has(kind));
    return [
      ...gone.flatMap((kind) => this.#forget(kind, nowMs)),
      ...judgements.flatMap((judgement) =>
        judgement.kind === left ? [] : this.#weigh(judgement, atMs, nowMs, config.samples),
      ),
    ];
  }

  #forget(kind: CameraConditionKind, nowMs: number): CameraHealthChange[] {
    const memory = this.#memories.get(kind);
    this.#memories.delete(kind);
    if (memory?.condition === undefined) return [];
    const lastedMs = nowMs - memory.begunMs;
    return [{ kind, hasBegun: false, message: 'it is no longer measured', lastedMs }];
  }

  #weigh(
    { kind, isBeyond, isWell, message }: Judgement,
    atMs: number,
    nowMs: number,
    samples: number,
  ): CameraHealthChange[] {
    const none = { beyond: 0, well: 0, condition: undefined, begunMs: nowMs };
    const memory = this.#memories.get(kind) ?? none;
    this.#memories.set(kind, memory);
    memory.beyond = isBeyond ? memory.beyond + 1 : 0;
    memory.well = isWell ? memory.well + 1 : 0;
    if (memory.condition === undefined) {
      if (memory.beyond < samples) return [];
      memory.condition = { kind, sinceMs: atMs, message };
      memory.begunMs = nowMs;
      return [{ kind, hasBegun: true, message }];
    }
    if (memory.well < samples) {
      memory.condition = { ...memory.condition, message };
      return [];
    }
    memory.condition = undefined;
    return [{ kind, hasBegun: false, message, lastedMs: nowMs - memory.begunMs }];
  }
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

const judgeFrozen = (stillMs: number, config: CameraHealthConfig): Judgement => ({
  kind: 'frozen',
  isBeyond: stillMs >= config.frozenAfterMs,
  isWell: stillMs === 0,
  message: `the picture has not changed for ${(stillMs / 1000).toFixed(0)} s`,
});

function judge(
  measures: CameraMeasures,
  stillMs: number,
  config: CameraHealthConfig,
): readonly Judgement[] {
  const { meanLuma, darkFraction, brightFraction, sharpness, correlation } = measures;
  const { framesPerSecond, clockDifferenceMs } = measures;
  const most = (kind: CameraConditionKind, value: number, limit: number, message: string) => ({
    ...{ kind, message },
    isBeyond: value > limit,
    isWell: value <= limit * (1 - config.hysteresis),
  });
  const least = (kind: CameraConditionKind, value: number, limit: number, message: string) => ({
    ...{ kind, message },
    isBeyond: value < limit,
    isWell: value >= limit + Math.abs(limit) * config.hysteresis,
  });
  const isBlack = darkFraction > config.maxDarkFraction;
  const { minSharpness, framesPerSecond: wanted } = config;
  return [
    judgeFrozen(stillMs, config),
    {
      ...most(
        'black',
        darkFraction,
        config.maxDarkFraction,
        `${percent(darkFraction)} of the picture is black, at most ${percent(config.maxDarkFraction)} may be`,
      ),
    },
    most(
      'over-exposed',
      brightFraction,
      config.maxBrightFraction,
      `${percent(brightFraction)} of the picture is white, at most ${percent(config.maxBrightFraction)} may be`,
    ),
    {
      ...least(
        'under-exposed',
        meanLuma,
        config.minMeanLuma,
        `the mean luma is ${meanLuma.toFixed(1)}, at least ${config.minMeanLuma} is expected`,
      ),
      ...(isBlack ? { isBeyond: false } : {}),
    },
    ...(minSharpness === undefined
      ? []
      : [
          least(
            'out-of-focus',
            sharpness,
            minSharpness,
            `the variance of the Laplacian is ${sharpness.toFixed(1)}, at least ${minSharpness} is expected`,
          ),
        ]),
    ...(correlation === undefined
      ? []
      : [
          least(
            'moved',
            correlation,
            config.minCorrelation,
            `the correlation with the reference picture is ${correlation.toFixed(2)}, at least ${config.minCorrelation} is expected`,
          ),
        ]),
    ...(wanted === undefined || framesPerSecond === undefined
      ? []
      : [
          most(
            'wrong-rate',
            Math.abs(framesPerSecond - wanted) / wanted,
            config.maxRateDeviation,
            `${framesPerSecond.toFixed(1)} frames a second come, ${wanted} are expected`,
          ),
        ]),
    ...(clockDifferenceMs === undefined
      ? []
      : [
          most(
            'clock-drift',
            Math.abs(clockDifferenceMs),
            config.maxClockDifferenceMs,
            `the clock of the camera is ${(clockDifferenceMs / 1000).toFixed(1)} s off, at most ${config.maxClockDifferenceMs / 1000} s may be`,
          ),
        ]),
  ];
}
