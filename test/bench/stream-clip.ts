import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Size } from '../../component/contract/frame.ts';
import { sample } from './vedette-process.ts';

export interface ClipOptions extends Size {
  readonly framesPerSecond: number;
  readonly seconds: number;
  readonly bitsPerSecond: number;
}

/**
 * The walkway as a network camera sends it: H.264 without B frames, a key frame a second, BT.709,
 * with the noise of a sensor, which a decoder has to work for.
 * @returns the file, below `folder`
 */
export async function makeClip(
  root: string,
  folder: string,
  { width, height, framesPerSecond, seconds, bitsPerSecond }: ClipOptions,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `walkway-${width}x${height}-${framesPerSecond}.mp4`);
  const picture = [
    `scale=${width}:${height}:force_original_aspect_ratio=increase:out_color_matrix=bt709`,
    `crop=${width}:${height}`,
    `fps=${framesPerSecond}`,
    'noise=alls=6:allf=t',
    'format=yuv420p',
  ].join(',');
  const colours = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];
  await promisify(execFile)('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-stream_loop', '-1'],
    ...['-i', sample(root, 'clips/walkway.mp4'), '-vf', picture, '-an'],
    ...['-frames:v', String(framesPerSecond * seconds), ...colours, '-color_range', 'tv'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-g', String(framesPerSecond)],
    ...['-b:v', String(bitsPerSecond), file],
  ]);
  return file;
}
