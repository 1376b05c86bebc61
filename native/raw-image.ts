import type {
  FrameDescription,
  RawPixelFormat,
  SampleMeaning,
  Size,
} from '../component/contract/frame.ts';

export interface RawImage extends Size, SampleMeaning {
  readonly data: Uint8Array;
  readonly format: RawPixelFormat;
  /**
   * Bytes per row of each plane; absent means packed rows, planes back to back, and for `mono10p`,
   * `mono12p`, `mono10packed` and `mono12packed` pixels without a gap from row to row.
   */
  readonly strides?: readonly number[];
}

/** The pixels of a frame whose format, a raw one, is `format`. */
export function rawImageOf(
  frame: FrameDescription,
  format: RawPixelFormat,
  data: Uint8Array,
): RawImage {
  const { width, height, strides, colour, levels } = frame;
  return {
    ...{ data, format, width, height },
    ...(strides === undefined ? {} : { strides }),
    ...(colour === undefined ? {} : { colour }),
    ...(levels === undefined ? {} : { levels }),
  };
}
