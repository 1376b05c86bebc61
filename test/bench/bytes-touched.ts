import type { RawPixelFormat } from '../../component/contract/frame.ts';

export interface RawWork {
  readonly format: Extract<RawPixelFormat, 'nv12' | 'i420' | 'yuyv'>;
  readonly width: number;
  readonly height: number;
  /** Of the square tensor, which the frame fills in width. */
  readonly side: number;
  readonly interpolation: 'bilinear' | 'area';
}

const FLOAT32_BYTES = 4;
const CHANNELS = 3;

/**
 * Bytes that cannot be left untouched: the rows of the frame that the tensor needs, each as a whole,
 * since every one of its cache lines holds a pixel that counts, and the tensor without its bars.
 */
export function bytesTouched(work: RawWork): number {
  const { format, width, height, side } = work;
  const fitted = Math.round((side * height) / width);
  const rows = work.interpolation === 'area' ? height : rowsOf(height, fitted, 1);
  const chromaRows = work.interpolation === 'area' ? height / 2 : rowsOf(height, fitted, 2);
  const source = format === 'yuyv' ? rows * 2 * width : (rows + chromaRows) * width;
  return source + CHANNELS * side * fitted * FLOAT32_BYTES;
}

/** Rows of a plane with one row for `shared` rows of pixels that a bilinear resize reads. */
function rowsOf(height: number, fitted: number, shared: number): number {
  const rows = new Set<number>();
  for (let y = 0; y < fitted; y++) {
    const position = Math.max(0, ((y + 0.5) * height) / fitted - 0.5);
    const near = Math.floor(position);
    rows.add(Math.floor(near / shared));
    // A row of weight 0 is not read.
    if (position > near) rows.add(Math.floor(Math.min(height - 1, near + 1) / shared));
  }
  return rows.size;
}
