import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CameraConfig, CameraSourceOf } from '../contract/camera-config.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { Pacer } from './pacer.ts';
import { TestPattern } from './test-pattern.ts';

export interface TestPatternCameraOptions {
  readonly source: CameraSourceOf<'test-pattern'>;
  readonly pace: CameraConfig['pace'];
}

/** A camera without a camera: see TestPattern for what its pictures show. */
export class TestPatternCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly #options: TestPatternCameraOptions;
  #pattern: TestPattern | undefined;
  #sequence = 0;

  constructor(options: TestPatternCameraOptions) {
    this.#options = options;
  }

  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    const { source, pace } = this.#options;
    const { width, height } = source;
    const pattern = (this.#pattern ??= new TestPattern({ width, height }));
    const pacer = new Pacer(pace, source.framesPerSecond);
    while (!signal.aborted) {
      await pacer.next(signal);
      // With pace `fast` nothing else would ever have its turn.
      await nextTurn();
      if (signal.aborted) return;
      const sequence = this.#sequence;
      this.#sequence += 1;
      const { byteLength } = pattern;
      const writer = await sink.openSlot(byteLength, signal);
      if (writer === undefined) continue;
      pattern.draw(writer.bytes, sequence);
      const capturedAtMs = Date.now();
      writer.publish({ format: 'rgb24', width, height, byteLength, sequence, capturedAtMs });
    }
  }
}
