import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { RtspServer } from '../support/rtsp-server.ts';
import { cpuSeconds } from './process-cpu.ts';
import type { BenchContext } from './section.ts';
import { endWithThisRun } from './server-process.ts';
import { makeClip } from './stream-clip.ts';

const ROUNDS = 3;
/** Until decoders, caches and compilers are warm. */
const WARM_UP_MS = 2000;
const TURN_MS = 6000;
const RATE = 30;
const CLIP = { width: 1920, height: 1080, framesPerSecond: RATE, bitsPerSecond: 6_000_000 };
/** A turn with its start and its warm-up lies well within it. */
const CLIP_SECONDS = 15;
/** Fewer frames than this share of the camera's say that the machine had no time for the stream. */
const LEAST_SHARE = 0.95;

export interface StreamCost {
  /** Processor time of a frame, in milliseconds: one of each round. */
  readonly cpuMs: readonly number[];
  readonly framesPerSecond: readonly number[];
}

export interface CameraCosts {
  readonly ours: StreamCost;
  /** With `scaling: model`. */
  readonly scaled: StreamCost;
  readonly decoding: StreamCost;
}

interface Reading {
  readonly frames: number;
  readonly cpuMs: number;
  readonly atMs: number;
}

/** What reads the stream in a turn. */
interface StreamReader {
  readonly child: ChildProcess;
  read(): Promise<Reading>;
}

/**
 * The camera's path as far as 640×640 tensors, without and with scaling in ffmpeg, and `ffmpeg` decoding the same stream to nowhere, in
 * turns, each with a connection of its own to one RTSP server.
 */
export async function measureCameraCosts(context: BenchContext): Promise<CameraCosts> {
  const { root, folder, progress } = context;
  progress('a stream of 1080p');
  const clip = await makeClip(root, folder, { ...CLIP, seconds: CLIP_SECONDS });
  const server = await RtspServer.start({ clip });
  try {
    const url = server.url('clip');
    const readers: Readonly<Record<keyof CameraCosts, () => StreamReader>> = {
      ours: () => ourPath(root, url, 'none'),
      scaled: () => ourPath(root, url, 'model'),
      decoding: () => decodingAlone(url),
    };
    const names = Object.keys(readers) as (keyof CameraCosts)[];
    const turns: Record<keyof CameraCosts, StreamTurn[]> = { ours: [], scaled: [], decoding: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      progress(`1080p to tensors and to nowhere, round ${round + 1} of ${ROUNDS}`);
      for (let step = 0; step < names.length; step += 1) {
        const name = names[(round + step) % names.length]!;
        turns[name].push(await takeTurn(readers[name]()));
      }
    }
    const { ours, scaled, decoding } = turns;
    return { ours: costOf(ours), scaled: costOf(scaled), decoding: costOf(decoding) };
  } finally {
    await server.close();
  }
}

interface StreamTurn {
  readonly cpuMs: number;
  readonly framesPerSecond: number;
}

const costOf = (turns: readonly StreamTurn[]): StreamCost => ({
  cpuMs: turns.map(({ cpuMs }) => cpuMs),
  framesPerSecond: turns.map(({ framesPerSecond }) => framesPerSecond),
});

async function takeTurn(reader: StreamReader): Promise<StreamTurn> {
  const { child } = reader;
  const closed = once(child, 'close');
  endWithThisRun(child, () => child.kill('SIGKILL'));
  try {
    while ((await reader.read()).frames === 0) await pause(100);
    await pause(WARM_UP_MS);
    const from = await reader.read();
    await pause(TURN_MS);
    const to = await reader.read();
    const frames = to.frames - from.frames;
    const framesPerSecond = (frames * 1000) / (to.atMs - from.atMs);
    if (framesPerSecond < LEAST_SHARE * RATE) {
      throw new Error(
        `${framesPerSecond.toFixed(1)} of ${RATE} frames a second came: the machine is too busy for this section`,
      );
    }
    return { cpuMs: (to.cpuMs - from.cpuMs) / frames, framesPerSecond };
  } finally {
    child.stdin?.end();
    await closed;
  }
}

/** Its own threads and its ffmpeg. */
function ourPath(root: string, url: string, scaling: 'none' | 'model'): StreamReader {
  const program = path.join(root, 'test/bench/camera-path.ts');
  const child = spawn(process.execPath, [program, url, scaling], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    read: async () => {
      child.stdin.write('\n');
      return readingAt(child, Number(requireLine(await lines.next())));
    },
  };
}

/** ffmpeg as the camera runs it, with its default threads, and nothing done with its frames. */
function decodingAlone(url: string): StreamReader {
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-nostats', '-stats_period', '0.1'],
      ...['-progress', 'pipe:1', '-rtsp_transport', 'tcp', '-i', url, '-map', '0:v:0'],
      ...['-fps_mode', 'passthrough', '-f', 'null', '-'],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout });
  // It reads commands from its input, whose end does not end it.
  child.stdin.once('finish', () => child.kill('SIGTERM'));
  return {
    child,
    read: async () => {
      for (;;) {
        const [line] = (await once(lines, 'line')) as [string];
        const frames = /^frame=\s*(\d+)$/.exec(line)?.[1];
        if (frames !== undefined) return readingAt(child, Number(frames));
      }
    },
  };
}

const readingAt = ({ pid }: ChildProcess, frames: number): Reading => ({
  frames,
  cpuMs: cpuSeconds(pid!) * 1000,
  atMs: performance.now(),
});

function requireLine({ done, value }: IteratorResult<string>): string {
  if (done === true) throw new Error('the camera’s path ended while it was measured');
  return value;
}
