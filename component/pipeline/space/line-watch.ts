import type { Point } from '../../contract/frame.ts';
import type { LineConfig } from '../../contract/space-config.ts';
import type { Track } from '../tracking/byte-tracker.ts';
import { anchorOf, distanceTo, signedCrossings } from './geometry.ts';

export type Direction = 'forward' | 'backward';

interface Walker {
  at: Point;
  /** Crossings forward minus backward since it was last clear of the line. */
  net: number;
}

/**
 * Tells when followed objects cross a line. Crossings are summed up while an object is nearer to the
 * line than its hysteresis, and count as one, or none, when it is clear of it again.
 */
export class LineWatch {
  readonly #line: LineConfig;
  readonly #walkers = new Map<number, Walker>();

  constructor(line: LineConfig) {
    this.#line = line;
  }

  /** The object was seen in this frame. */
  follow(id: number, { box }: Track): Direction | undefined {
    const { points, anchor, hysteresisPx } = this.#line;
    const at = anchorOf(box, anchor);
    const walker = this.#walkers.get(id);
    if (!walker) {
      this.#walkers.set(id, { at, net: 0 });
      return undefined;
    }
    walker.net += signedCrossings(points, walker.at, at);
    walker.at = at;
    if (distanceTo(points, at) < hysteresisPx) return undefined;
    const { net } = walker;
    walker.net = 0;
    if (net === 0) return undefined;
    return net > 0 ? 'forward' : 'backward';
  }

  forget(id: number): void {
    this.#walkers.delete(id);
  }
}
