import { spawn } from 'node:child_process';
import { extname } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import { JpegSplitter } from './jpeg-splitter.ts';

const CLIP_NAMES = [
  '.mp4',
  '.mkv',
  '.mov',
  '.avi',
  '.webm',
  '.m4v',
  '.mpg',
  '.mpeg',
  '.ts',
  '.mjpeg',
  '.mjpg',
];

export const isClipName = (path: string): boolean =>
  CLIP_NAMES.includes(extname(path).toLowerCase());

/** A picture of a clip, at `seconds` from its beginning. */
export interface ClipFrame {
  readonly seconds: number;
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 4096;

/**
 * Pictures of a video file, one every so many seconds, as JPEGs of high quality that ffmpeg makes.
 * ffmpeg waits for whoever takes them.
 * @throws VedetteError FFMPEG_MISSING, PICTURE_UNREADABLE with what ffmpeg said
 */
export async function* clipFrames(
  path: string,
  everySeconds: number,
  ffmpeg: string,
): AsyncGenerator<ClipFrame, void> {
  const child = spawn(
    ffmpeg,
    [
      ...['-nostdin', '-v', 'error', '-protocol_whitelist', 'file', '-i', `file:${path}`],
      ...['-vf', `fps=1/${everySeconds}`, '-f', 'image2pipe', '-c:v', 'mjpeg', '-q:v', '2', '-'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_MESSAGE_BYTES);
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
    child.once('error', (error: NodeJS.ErrnoException) => reject(startError(error, ffmpeg)));
  });
  ended.catch(() => undefined);
  const splitter = new JpegSplitter(MAX_FRAME_BYTES);
  let count = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      for (const picture of splitter.push(chunk)) {
        if (picture.kind !== 'jpeg') continue;
        yield { seconds: count * everySeconds, jpeg: new Uint8Array(picture.data) };
        count += 1;
      }
    }
    const end = await ended;
    if (end === 0 && count > 0) return;
    const why = said.trim().split('\n').at(-1) || `it ended with ${end}`;
    throw new VedetteError(
      'PICTURE_UNREADABLE',
      `${path} could not be read to its end as a video; ${count} pictures were; ffmpeg says: ${why}`,
      { details: { path, pictures: count } },
    );
  } finally {
    child.kill('SIGKILL');
  }
}

const startError = (error: NodeJS.ErrnoException, ffmpeg: string): VedetteError =>
  new VedetteError('FFMPEG_MISSING', `${ffmpeg} could not be started: ${error.message}`, {
    cause: error,
  });
