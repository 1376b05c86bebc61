import type { InferenceResult } from '../../component/contract/result.ts';
import type { CameraStatus } from '../../component/contract/ports.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { digits, percent, span } from './number-text.ts';
import { cpuSeconds } from './process-cpu.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';
import type { ServerProcess } from './server-process.ts';
import { median, range } from './statistics.ts';
import { cameraStatus, sample, startVedette, type VedetteConfig } from './vedette-process.ts';

const ROUNDS = 5;
const ROUND_MS = 1500;
const WARM_UP_MS = 1500;

export const frameSection: Section = {
  name: 'frame',
  title: 'A camera’s frame, from source to stored verdict',
  run: measureFrames,
};

type CameraInput = NonNullable<VedetteConfig['cameras']>[string];

interface Line {
  readonly title: string;
  readonly model: string;
  readonly source: (root: string) => CameraInput['source'];
}

const LINES: readonly Line[] = [
  {
    title: 'JPEG 768×576 from an MJPEG file',
    model: 'coco-detector',
    source: (root) => ({ kind: 'mjpeg-file', path: sample(root, 'clips/walkway.mjpeg') }),
  },
  {
    title: 'H.264 768×576 through ffmpeg',
    model: 'coco-detector',
    source: (root) => ({ kind: 'ffmpeg', url: sample(root, 'clips/walkway.mp4') }),
  },
  {
    title: 'PNG 256×256 from a folder',
    model: 'brick-anomaly',
    source: (root) => ({ kind: 'folder', path: sample(root, 'images/brick') }),
  },
];

interface LineFigures {
  readonly framesPerSecond: readonly number[];
  readonly cpuMsPerFrame: number;
  /** Medians of the stored results, in milliseconds. */
  readonly preprocessMs: number;
  readonly runMs: number;
  readonly decodeMs: number;
}

async function measureFrames(context: BenchContext): Promise<SectionReport> {
  const figures: LineFigures[] = [];
  for (const line of LINES) {
    context.progress(line.title);
    figures.push(await measureLine(context, line));
  }
  const rests = figures.map(({ framesPerSecond, runMs }) => 1000 / median(framesPerSecond) - runMs);
  const shares = figures.map(
    ({ runMs, framesPerSecond }) => (runMs * median(framesPerSecond)) / 1000,
  );
  return {
    method:
      'A real `vedette run` with one camera at `pace: fast` and one worker with one thread. «Everything else» is the time between two verdicts less the run of the model: what source, slots, preprocessing, decoding, rules, database and hand-over between threads add to it. CPU counts every thread, and ffmpeg.',
    tables: [
      {
        columns: [
          'source',
          'model',
          'frames/s',
          'by round',
          'preprocess, ms',
          'run, ms',
          'decode, ms',
          'everything else than run, ms',
          'CPU a frame, ms',
        ],
        rows: LINES.map(({ title, model }, index) => {
          const line = figures[index]!;
          const { lowest, highest } = range(line.framesPerSecond);
          return [
            title,
            model,
            digits(median(line.framesPerSecond)),
            span(lowest, highest),
            digits(line.preprocessMs),
            digits(line.runMs),
            digits(line.decodeMs),
            digits(rests[index]!),
            digits(line.cpuMsPerFrame),
          ];
        }),
        says: `The model itself takes ${shares.map((share) => percent(share)).join(', ')} of a frame’s time in these three lines; the rest is ours to make smaller.`,
      },
    ],
  };
}

async function measureLine(context: BenchContext, line: Line): Promise<LineFigures> {
  const server = await startVedette(context, line.title, {
    models: { [line.model]: { package: sample(context.root, `models/${line.model}`) } },
    cameras: { line: { model: line.model, source: line.source(context.root), pace: 'fast' } },
  });
  try {
    await server.until(async () => (await cameraStatus(server, 'line')).framesJudged > 0, 50);
    await pause(WARM_UP_MS);
    const cpuBefore = cpuSeconds(server.pid);
    const first = await read(server);
    const framesPerSecond: number[] = [];
    let before = first;
    for (let round = 0; round < ROUNDS; round++) {
      await pause(ROUND_MS);
      const after = await read(server);
      framesPerSecond.push((after.frames - before.frames) / (after.seconds - before.seconds));
      before = after;
    }
    const frames = before.frames - first.frames;
    const cpuMsPerFrame = ((cpuSeconds(server.pid) - cpuBefore) * 1000) / frames;
    const { items } = await server.getJson<{ items: InferenceResult[] }>(
      `/api/v1/results?camera=line&limit=${Math.min(1000, frames)}`,
    );
    const stage = (name: 'preprocessMs' | 'runMs' | 'decodeMs') =>
      median(items.map(({ timings }) => timings[name]));
    return {
      framesPerSecond,
      cpuMsPerFrame,
      preprocessMs: stage('preprocessMs'),
      runMs: stage('runMs'),
      decodeMs: stage('decodeMs'),
    };
  } finally {
    await server.close();
  }
}

async function read(server: ServerProcess): Promise<{ frames: number; seconds: number }> {
  const { framesJudged }: CameraStatus = await cameraStatus(server, 'line');
  return { frames: framesJudged, seconds: performance.now() / 1000 };
}
