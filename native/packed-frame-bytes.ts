import type { RawPixelFormat, Size } from '../component/contract/frame.ts';

/** Bytes of a raw frame without strides: packed rows and planes back to back, as ffmpeg's `rawvideo` sends it. */
export function packedFrameBytes(format: RawPixelFormat, size: Size): number {
  const { width, height } = size;
  const pixels = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  switch (format) {
    case 'rgb24':
    case 'bgr24':
      return pixels * 3;
    case 'rgba':
    case 'bgra':
      return pixels * 4;
    case 'gray8':
    case 'bayerrg8':
    case 'bayergb8':
    case 'bayergr8':
    case 'bayerbg8':
      return pixels;
    case 'nv12':
    case 'nv21':
    case 'i420':
      return pixels + 2 * chroma;
    case 'yuyv':
    case 'uyvy':
      return Math.ceil(width / 2) * 4 * height;
    case 'mono10':
    case 'mono12':
    case 'mono16':
      return pixels * 2;
    // The pixels of a row follow those of the row before without a gap.
    case 'mono10p':
      return Math.ceil((pixels * 10) / 8);
    case 'mono12p':
    case 'mono10packed':
    case 'mono12packed':
      return Math.ceil((pixels * 12) / 8);
  }
}
