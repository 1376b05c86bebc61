import { demoFlatOut } from './demo-config.ts';
import { linePlot, axisEnd } from './line-plot.ts';
import { digits, percent } from './number-text.ts';
import type { BenchContext, Section, SectionReport, Target } from './section.ts';
import { residentBytes, type ServerProcess } from './server-process.ts';
import { median, range, slope } from './statistics.ts';
import { cameraStatus, sample, startVedette, type VedetteConfig } from './vedette-process.ts';

const WARM_UP_FRAMES = 1000;
const MEASURED_FRAMES = 10_000;
const SAMPLE_MS = 500;
/** Garbage is collected now and then: the medians of so many frames show what stays. */
const WINDOW_FRAMES = 500;
const MAX_DEVIATION = 0.05;
/** Terminal lines: one for so many frames. */
const PROGRESS_FRAMES = 1000;

export const memorySection: Section = {
  name: 'memory',
  title: 'Resident memory over 10,000 frames',
  run: measureMemory,
};

export interface MemorySample {
  /** Frames judged since the start. */
  readonly frames: number;
  readonly megabytes: number;
}

async function measureMemory(context: BenchContext): Promise<SectionReport> {
  const server = await startVedette(context, 'two cameras', twoCameras(context.root));
  try {
    const samples = await sampleMemory(server, WARM_UP_FRAMES + MEASURED_FRAMES, (frames) =>
      context.progress(`${frames} of ${WARM_UP_FRAMES + MEASURED_FRAMES} frames`),
    );
    return report(samples);
  } finally {
    await server.close();
  }
}

/** The demo's models on sources without ffmpeg; a capture a second, so that captures are in it too. */
function twoCameras(root: string): VedetteConfig {
  const { models, cameras, zones, lines, rules } = demoFlatOut(root);
  return {
    ...{ models, zones, lines, rules },
    cameras: {
      ...cameras,
      walkway: {
        model: 'coco-detector',
        pace: 'fast',
        source: { kind: 'mjpeg-file', path: sample(root, 'clips/walkway.mjpeg') },
      },
    },
    captures: { failed: { outcomes: { fail: true }, minIntervalMs: 1000 } },
    retention: { capturesMaxCount: 50 },
  };
}

async function sampleMemory(
  server: ServerProcess,
  frames: number,
  progress: (frames: number) => void,
): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  let nextLine = PROGRESS_FRAMES;
  await server.until(async () => {
    const cameras = await Promise.all(
      ['walkway', 'surfaces'].map((camera) => cameraStatus(server, camera)),
    );
    const judged = cameras.reduce((sum, { framesJudged }) => sum + framesJudged, 0);
    samples.push({ frames: judged, megabytes: residentBytes(server.pid) / 1e6 });
    if (judged >= nextLine) {
      progress(judged);
      nextLine += PROGRESS_FRAMES;
    }
    return judged >= frames;
  }, SAMPLE_MS);
  return samples;
}

function windowMedians(samples: readonly MemorySample[]): number[] {
  const windows = Map.groupBy(samples, ({ frames }) => Math.floor(frames / WINDOW_FRAMES));
  return [...windows.values()].map((window) => median(window.map(({ megabytes }) => megabytes)));
}

function report(samples: readonly MemorySample[]): SectionReport {
  const measured = samples.filter(({ frames }) => frames >= WARM_UP_FRAMES);
  const middle = median(measured.map(({ megabytes }) => megabytes));
  const { lowest, highest } = range(measured.map(({ megabytes }) => megabytes));
  const deviation = Math.max(highest / middle - 1, 1 - lowest / middle);
  const growth = slope(
    measured.map(({ frames, megabytes }) => ({ x: frames / 1000, y: megabytes })),
  );
  const windows = windowMedians(measured);
  const windowDeviation = Math.max(...windows.map((value) => Math.abs(value / middle - 1)));
  const isFlat = deviation <= MAX_DEVIATION;
  const target: Target = {
    what: 'resident memory over 10,000 frames, farthest from the median',
    reach: `± ${percent(MAX_DEVIATION)}`,
    got: `± ${percent(deviation)}`,
    isReached: isFlat,
    missedBy: percent(deviation - MAX_DEVIATION),
  };
  return {
    method: `A real \`vedette run\` with \`coco-detector\` on JPEG pictures and \`brick-anomaly\` on PNG pictures, both at \`pace: fast\`, every result stored and a capture a second. Resident memory (\`VmRSS\`) twice a second for 10,000 frames, after ${WARM_UP_FRAMES.toLocaleString('en-GB')} frames to warm up.`,
    tables: [
      {
        columns: [
          'frames',
          'median, MB',
          'least, MB',
          'most, MB',
          'farthest from the median',
          `farthest median of ${WINDOW_FRAMES} frames`,
          'slope, MB / 1,000 frames',
        ],
        rows: [
          [
            (measured.at(-1)!.frames - measured[0]!.frames).toLocaleString('en-GB'),
            digits(middle),
            digits(lowest),
            digits(highest),
            percent(deviation),
            percent(windowDeviation),
            growth.toFixed(2),
          ],
        ],
        says: `Memory stays within ${percent(deviation)} of its median, which ${isFlat ? 'reaches' : 'misses'} the figure of 5 %${isFlat ? '' : ` by ${target.missedBy}`}. The medians of ${WINDOW_FRAMES} frames, in which the waves of garbage collection are smoothed out, stay within ${percent(windowDeviation)}; a straight line through all of it ${growth < 0 ? 'falls' : 'rises'} by ${Math.abs(growth).toFixed(2)} MB in 1,000 frames.`,
      },
    ],
    plots: [
      {
        file: 'memory.svg',
        alt: 'Resident memory over frames; grey is the median of the measured part ± 5 %',
        svg: linePlot({
          title: 'Resident memory',
          x: { label: 'frames judged', from: 0, to: WARM_UP_FRAMES + MEASURED_FRAMES },
          y: { label: 'MB', from: 0, to: axisEnd(highest * 1.05) },
          band: { from: middle * (1 - MAX_DEVIATION), to: middle * (1 + MAX_DEVIATION) },
          series: [
            {
              name: 'resident memory',
              points: samples.map(({ frames, megabytes }) => ({ x: frames, y: megabytes })),
            },
          ],
        }),
      },
    ],
    targets: [target],
  };
}
