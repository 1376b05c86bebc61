import type { Size } from './frame.ts';

/** A size that a V4L2 device offers. */
export interface DeviceSize extends Size {
  /** Rates that it offers at this size, as it lists them; absent where nobody can tell. */
  readonly framesPerSecond?: readonly number[];
}

/** `640×480 at 30/15` */
export const deviceSizeText = ({ width, height, framesPerSecond }: DeviceSize): string =>
  `${width}×${height}${framesPerSecond === undefined ? '' : ` at ${framesPerSecond.join('/')}`}`;
