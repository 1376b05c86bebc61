import type { Size, YuvColour } from '../contract/frame.ts';

/** What the first decoded frame of a source said of itself. */
export interface SourceGeometry extends Size {
  /** 0–255 in place of 16–235. */
  readonly isFullRange: boolean;
  /** YUV by BT.709 in place of BT.601. */
  readonly isBt709: boolean;
  /** ffmpeg's name for how the source is encoded, where it said it. */
  readonly codec?: string;
}

/** Bytes of a packed I420 frame; odd sizes round their chroma up. */
export const i420Bytes = ({ width, height }: Size): number =>
  width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);

/**
 * Reads the geometry from what ffmpeg's `showinfo` filter prints about a frame:
 * `… fmt:yuv420p sar:1/1 s:768x576 …` and, on a line of its own, `color_range:tv color_space:bt709 …`.
 */
export function parseShowinfo(lines: readonly string[]): SourceGeometry | undefined {
  for (const line of lines) {
    const size = /\bfmt:(\S+) .*\bs:(\d+)x(\d+)\b/.exec(line);
    if (size === null) continue;
    const colour = lines.find((other) => /\bcolor_range:/.test(other)) ?? '';
    const codec = lines.map((other) => /^Stream #.*: Video: (\w+)/.exec(other)?.[1]).find(Boolean);
    return {
      ...(codec === undefined ? {} : { codec }),
      width: Number(size[2]),
      height: Number(size[3]),
      isFullRange: size[1]!.startsWith('yuvj') || /\bcolor_range:(?:pc|jpeg)\b/.test(colour),
      isBt709: /\bcolor_space:bt709\b/.test(colour),
    };
  }
  return undefined;
}

/** The colours that raw frames of this source have: its own, which the resizer converts in its pass. */
export const colourOf = ({ isFullRange, isBt709 }: SourceGeometry): YuvColour => ({
  matrix: isBt709 ? 'bt709' : 'bt601',
  range: isFullRange ? 'full' : 'limited',
});

/** ffmpeg's name of I420 in that range; frames of another range would be converted to it. */
export const outputPixelFormat = ({ isFullRange }: SourceGeometry): string =>
  isFullRange ? 'yuvj420p' : 'yuv420p';

/** Every frame as it comes, none made up or left out for the sake of a rate, to descriptor 3. */
export const y4mFrames = (geometry: SourceGeometry): string[] => [
  ...['-fps_mode', 'passthrough', '-pix_fmt', outputPixelFormat(geometry)],
  ...['-f', 'yuv4mpegpipe', 'pipe:3'],
];

/**
 * The filters between decoder and pipe. The first one lets frames of the expected size through as
 * they are and asks the impossible of others, so that ffmpeg ends in place of scaling them
 * silently (its default) and no frame ever has another geometry than it says. The other makes it
 * smaller where `scaled` is (each pixel the mean of those that it covers), and keeps a full range full
 * where the pixels are no I420 yet; those that are, of the right size, pass it untouched.
 */
export function frameFilters(geometry: SourceGeometry, scaled: Size = geometry): string {
  const { width, height, isFullRange } = geometry;
  const isExpected = `eq(iw\\,${width})*eq(ih\\,${height})`;
  const isScaled = scaled.width !== width || scaled.height !== height;
  const scaling = [
    ...(isScaled ? [`w=${scaled.width}`, `h=${scaled.height}`, 'flags=area'] : []),
    ...(isFullRange ? ['in_range=pc', 'out_range=pc'] : []),
  ];
  return [
    `crop=w=if(${isExpected}\\,iw\\,2*iw):h=ih:exact=1`,
    ...(scaling.length > 0 ? [`scale=${scaling.join(':')}`] : []),
  ].join(',');
}

/** The size that the first filter refused, from ffmpeg's message about it. */
export function refusedSize(lines: readonly string[]): Size | undefined {
  for (const line of lines) {
    const found = /non positive size for width '(\d+)' or height '(\d+)'/.exec(line);
    if (found !== null) return { width: Number(found[1]) / 2, height: Number(found[2]) };
  }
  return undefined;
}
