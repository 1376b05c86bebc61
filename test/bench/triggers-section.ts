import { setTimeout as pause } from 'node:timers/promises';
import type { InferenceResult } from '../../component/contract/result.ts';
import { digits, ms } from './number-text.ts';
import type { BenchContext, MeasuredTarget, Section, SectionReport } from './section.ts';
import type { ServerProcess } from './server-process.ts';
import { quantile } from './statistics.ts';
import { sample, startVedette, type VedetteConfig } from './vedette-process.ts';

const WARM_UP = 30;
const TRIGGERS = 500;
/** Between an answer and the next trigger, evenly spread. */
const PAUSE_MS = 40;
/** What comes to the model's time: the frame, the hand-over and the verdict. */
const LIMIT_MS = 15;
const FRAMES_PER_SECOND = 100;
const CAMERA = 'line';

export const triggersSection: Section = {
  name: 'triggers',
  title: 'From a trigger to its verdict',
  run: measureTriggers,
};

interface Sample {
  /** From the trigger to the verdict. */
  readonly totalMs: number;
  /** In the model's worker: preprocessing, run, decoding. */
  readonly modelMs: number;
  /** From the trigger to the capture of its frame, by times in whole milliseconds. */
  readonly frameMs: number;
}

async function measureTriggers(context: BenchContext): Promise<SectionReport> {
  const server = await startVedette(context, 'a triggered camera', configuration(context.root));
  try {
    context.progress(`${TRIGGERS} triggers`);
    for (let n = 0; n < WARM_UP; n += 1) await trigger(server);
    const samples: Sample[] = [];
    while (samples.length < TRIGGERS) {
      await pause(Math.random() * PAUSE_MS);
      samples.push(await trigger(server));
    }
    return report(samples);
  } finally {
    await server.close();
  }
}

const configuration = (root: string): VedetteConfig => ({
  models: { bricks: { package: sample(root, 'models/brick-anomaly') } },
  cameras: {
    [CAMERA]: {
      policy: 'triggered',
      model: 'bricks',
      source: {
        kind: 'folder',
        path: sample(root, 'images/brick'),
        framesPerSecond: FRAMES_PER_SECOND,
      },
      trigger: { deadlineMs: 10_000, afterMs: 5000 },
    },
  },
  rules: { surface: { camera: CAMERA, kind: 'anomaly' } },
});

async function trigger(server: ServerProcess): Promise<Sample> {
  const url = `${server.address}/api/v1/cameras/${CAMERA}/trigger`;
  const response = await fetch(url, { method: 'POST' });
  if (!response.ok) throw new Error(`a trigger was answered with HTTP ${response.status}`);
  const { transaction, timings, frame } = (await response.json()) as InferenceResult;
  if (transaction === undefined || transaction.isFailSafe) throw new Error('it was not judged');
  const { preprocessMs, runMs, decodeMs } = timings;
  const frameMs = Date.parse(frame.capturedAt) - Date.parse(transaction.triggeredAt);
  return {
    totalMs: transaction.elapsedMs,
    modelMs: preprocessMs + runMs + decodeMs,
    frameMs: Math.max(0, frameMs),
  };
}

function report(samples: readonly Sample[]): SectionReport {
  const rest = samples.map(({ totalMs, modelMs }) => totalMs - modelMs);
  const rows = [
    ['trigger to verdict', samples.map(({ totalMs }) => totalMs)],
    ['of it the model’s worker', samples.map(({ modelMs }) => modelMs)],
    ['the rest: frame, hand-over, verdict', rest],
    ['of it the wait for the frame', samples.map(({ frameMs }) => frameMs)],
  ] as const;
  const got = quantile(rest, 0.99);
  const target: MeasuredTarget = {
    what: 'trigger to verdict beyond the model’s time, p99',
    reach: `≤ ${LIMIT_MS} ms`,
    got: ms(got),
    isReached: got <= LIMIT_MS,
    missedBy: ms(got - LIMIT_MS),
  };
  return {
    method: `A real \`vedette run\` with one camera of \`policy: triggered\` on a folder at ${FRAMES_PER_SECOND} frames per second. ${samples.length} triggers over HTTP one after another, each up to ${PAUSE_MS} ms after the answer before. Times are the result’s own: \`transaction.elapsedMs\`, and preprocessing, run and decoding of \`timings\`. Up to ${1000 / FRAMES_PER_SECOND} ms of the rest are the wait for the first frame after the trigger.`,
    tables: [
      {
        columns: ['time', 'median, ms', 'p99, ms', 'longest, ms'],
        rows: rows.map(([what, values]) => [
          what,
          ...[0.5, 0.99, 1].map((share) => digits(quantile(values, share))),
        ]),
        says: `99 of 100 verdicts come within ${ms(got)} and the time of the model after their trigger.`,
      },
    ],
    targets: [target],
  };
}
