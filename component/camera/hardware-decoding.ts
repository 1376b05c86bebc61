import { VedetteError } from '../contract/errors.ts';
import type { FfmpegSource } from './ffmpeg-input.ts';

/** Decoders beside the processor that ffmpeg opens by the codec's name. */
const BY_CODEC = 'v4l2m2m';
/** What ffmpeg says, at any level of its log, when it decodes on the processor after all, or not at all. */
const NOT_USED =
  /Device (?:creation|setup) failed|No device available for decoder|Failed setup for format|hwaccel initialisation returned error|can't configure decoder|Could not find a valid device|Unknown decoder|Unrecognized hwaccel/i;

/** Options before ffmpeg's input, from an allow-list; none without hardware. */
export function hardwareArguments(
  { hardware, hardwareDevice }: Pick<FfmpegSource, 'hardware' | 'hardwareDevice'>,
  codec: string | undefined,
): string[] {
  if (hardware === 'none') return [];
  if (hardware === BY_CODEC) return codec === undefined ? [] : ['-c:v', `${codec}_${BY_CODEC}`];
  const device = hardwareDevice === undefined ? [] : ['-hwaccel_device', hardwareDevice];
  return ['-hwaccel', hardware, ...device];
}

/**
 * Why the hardware was not used, from what ffmpeg said of a first frame; `undefined` when it was.
 * @param hasFrame whether that frame came
 */
export function hardwareFault(
  { hardware }: Pick<FfmpegSource, 'hardware'>,
  lines: readonly string[],
  hasFrame: boolean,
): VedetteError | undefined {
  const said = lines.find((line) => NOT_USED.test(line));
  if (said === undefined && hasFrame) return undefined;
  return new VedetteError(
    'HARDWARE_DECODER_UNUSED',
    `${hardware} does not decode this stream, the processor does: ${said ?? 'no frame came'}`,
  );
}
