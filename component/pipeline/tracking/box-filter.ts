import type { Box } from '../../contract/frame.ts';
import { AxisFilter } from './axis-filter.ts';

/** The noise of the reference implementation is that of one frame at 30 frames per second. */
const STEPS_PER_MS = 30 / 1000;
const POSITION_WEIGHT = 1 / 20;
const VELOCITY_WEIGHT = 1 / 160;

/**
 * Where a box is and where it goes: centre, aspect ratio and height with their velocities. Deviations
 * are parts of the height, those of DeepSORT's and ByteTrack's `KalmanFilter`; time is real time, so
 * that frames may come at any interval.
 */
export class BoxFilter {
  readonly #x: AxisFilter;
  readonly #y: AxisFilter;
  readonly #aspect: AxisFilter;
  readonly #height: AxisFilter;

  constructor(box: Box) {
    const { x, y, aspect, height } = measured(box);
    const start = (value: number) =>
      new AxisFilter(value, 2 * POSITION_WEIGHT * height, 10 * VELOCITY_WEIGHT * height);
    this.#x = start(x);
    this.#y = start(y);
    this.#aspect = new AxisFilter(aspect, 1e-2, 1e-5);
    this.#height = start(height);
  }

  /** `isSeen` is false for a track that lost its object: its height stays what it was. */
  predict(elapsedMs: number, isSeen: boolean): void {
    const steps = elapsedMs * STEPS_PER_MS;
    if (steps <= 0) return;
    const height = Math.max(1, this.#height.position);
    if (!isSeen) this.#height.velocity = 0;
    for (const axis of [this.#x, this.#y, this.#height]) {
      axis.predict(steps, POSITION_WEIGHT * height, VELOCITY_WEIGHT * height);
    }
    this.#aspect.predict(steps, 1e-2, 1e-5);
  }

  update(box: Box): void {
    const { x, y, aspect, height } = measured(box);
    const deviation = POSITION_WEIGHT * Math.max(1, this.#height.position);
    this.#x.update(x, deviation);
    this.#y.update(y, deviation);
    this.#aspect.update(aspect, 1e-1);
    this.#height.update(height, deviation);
  }

  box(): Box {
    const height = Math.max(0, this.#height.position);
    const width = Math.max(0, this.#aspect.position * height);
    return { x: this.#x.position - width / 2, y: this.#y.position - height / 2, width, height };
  }
}

/** A box thinner than a pixel has no aspect ratio to speak of. */
function measured(box: Box) {
  const height = Math.max(1, box.height);
  return {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    aspect: box.width / height,
    height,
  };
}
