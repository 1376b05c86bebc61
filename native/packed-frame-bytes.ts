import type { RawPixelFormat, Size } from '../component/contract/frame.ts';

/** Bytes of a raw frame with packed rows and planes back to back, as ffmpeg's `rawvideo` sends it. */
export function packedFrameBytes(format: RawPixelFormat, size: Size): number {
  const { width, height } = size;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  switch (format) {
    case 'rgb24':
    case 'bgr24':
      return width * height * 3;
    case 'gray8':
      return width * height;
    case 'nv12':
    case 'i420':
      return width * height + 2 * chroma;
    case 'yuyv':
      return Math.ceil(width / 2) * 4 * height;
  }
}
