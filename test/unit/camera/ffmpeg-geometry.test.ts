import { describe, expect, it } from 'vitest';
import {
  colourOf,
  frameFilters,
  i420Bytes,
  outputPixelFormat,
  parseShowinfo,
  refusedSize,
} from '../../../component/camera/ffmpeg-geometry.ts';

const FRAME =
  '[Parsed_showinfo_0] n:   0 pts:      0 pts_time:0       pos:       48 fmt:yuv420p sar:1/1 s:768x576 i:P iskey:1 type:I checksum:D77D47DF';

describe('parseShowinfo', () => {
  it('reads size, range and matrix of the first frame', () => {
    const colour = '[Parsed_showinfo_0] color_range:tv color_space:bt709 color_primaries:bt709';
    expect(parseShowinfo(['Input #0, …', FRAME, colour])).toEqual({
      width: 768,
      height: 576,
      isFullRange: false,
      isBt709: true,
    });
    expect(parseShowinfo([FRAME.replace('yuv420p', 'yuvj422p')])).toMatchObject({
      isFullRange: true,
      isBt709: false,
    });
    expect(parseShowinfo([FRAME, 'color_range:pc color_space:unknown'])).toMatchObject({
      isFullRange: true,
    });
  });

  it('knows nothing without a frame', () => {
    expect(parseShowinfo(['Stream #0:0: Video: h264, yuv420p, 768x576'])).toBeUndefined();
  });
});

describe('i420Bytes', () => {
  it('rounds the chroma of odd sizes up', () => {
    expect(i420Bytes({ width: 4, height: 2 })).toBe(12);
    expect(i420Bytes({ width: 3, height: 3 })).toBe(9 + 2 * 4);
  });
});

describe('frameFilters', () => {
  it('leaves the colours as they are and says which they are', () => {
    const limited = { width: 64, height: 48, isFullRange: false, isBt709: true };
    expect(frameFilters(limited)).not.toContain('scale');
    expect(outputPixelFormat(limited)).toBe('yuv420p');
    expect(colourOf(limited)).toEqual({ matrix: 'bt709', range: 'limited' });
    const full = { ...limited, isFullRange: true, isBt709: false };
    expect(frameFilters(full)).toMatch(/crop=.*,scale=in_range=pc:out_range=pc$/);
    expect(outputPixelFormat(full)).toBe('yuvj420p');
    expect(colourOf(full)).toEqual({ matrix: 'bt601', range: 'full' });
  });

  it('names the size that ffmpeg refused', () => {
    const line =
      "[Parsed_crop_0] Invalid too big or non positive size for width '320' or height '120'";
    expect(refusedSize([line])).toEqual({ width: 160, height: 120 });
    expect(refusedSize(['something else'])).toBeUndefined();
  });
});
