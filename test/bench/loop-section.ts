import { setTimeout as pause } from 'node:timers/promises';
import { demoFlatOut } from './demo-config.ts';
import {
  LOOP_COLUMNS,
  LOOP_LIMIT_MS,
  loopCells,
  loopDelay,
  type LoopReport,
} from './loop-delay.ts';
import { digits, ms, percent } from './number-text.ts';
import { Onlooker } from './onlooker.ts';
import type { BenchContext, Section, SectionReport, MeasuredTarget } from './section.ts';
import type { ServerProcess } from './server-process.ts';
import { cameraStatus, startVedette } from './vedette-process.ts';

const WARM_UP_MS = 3000;
const MEASURED_MS = 20_000;

export const loopSection: Section = {
  name: 'loop',
  title: 'The main thread while both demo cameras run flat out',
  run: measureLoop,
};

async function measureLoop(context: BenchContext): Promise<SectionReport> {
  const config = demoFlatOut(context.root);
  const cameras = Object.keys(config.cameras ?? {});
  const server = await startVedette(context, 'the demo flat out', config);
  try {
    for (const camera of cameras) {
      await server.until(async () => (await cameraStatus(server, camera)).framesJudged > 0, 50);
    }
    const onlookers = [
      await Onlooker.open(`${server.address}/api/v1/cameras/walkway/live`),
      await Onlooker.open(`${server.address}/api/v1/events`),
    ];
    await pause(WARM_UP_MS);
    context.progress(`${MEASURED_MS / 1000} s with a live view and an event listener`);
    const before = await judged(server, cameras);
    server.beginLoopDelay();
    await pause(MEASURED_MS);
    const loop = await server.endLoopDelay();
    const after = await judged(server, cameras);
    for (const onlooker of onlookers) {
      if (onlooker.bytes === 0) throw new Error('a live view or event listener got nothing');
      onlooker.close();
    }
    const rates = cameras.map((camera, index) => {
      const rate = (after[index]! - before[index]!) / loop.seconds;
      return `${camera} ${digits(rate)} frames/s`;
    });
    return report(loop, rates);
  } finally {
    await server.close();
  }
}

async function judged(server: ServerProcess, cameras: readonly string[]): Promise<number[]> {
  return Promise.all(
    cameras.map(async (camera) => (await cameraStatus(server, camera)).framesJudged),
  );
}

function report(loop: LoopReport, rates: readonly string[]): SectionReport {
  const delay = loopDelay([loop]);
  const targets = [
    target('delay of the main thread’s event loop, p99', delay.p99Ms),
    target('wait for the main thread at any moment, p99', delay.waitP99Ms),
  ];
  return {
    method: `A real \`vedette run\` of \`samples/demo.yaml\` with both cameras at \`pace: fast\`, one live view and one listener of events connected, for ${MEASURED_MS / 1000} s. A histogram of \`perf_hooks.monitorEventLoopDelay\` with a resolution of 1 ms, loaded from outside, counts how far apart a timer due every millisecond fires; the millisecond itself is subtracted. «Wait at any moment» weighs delays by their length: how long something waits that comes at any moment. (\`nodejs_eventloop_lag_p99_seconds\` on \`/metrics\` has a resolution of 10 ms and includes it: an idle process shows 0.010 there.)`,
    tables: [
      {
        columns: ['cameras', ...LOOP_COLUMNS, 'CPU, cores'],
        rows: [[rates.join(', '), ...loopCells(delay), digits(loop.cpuSeconds / loop.seconds)]],
        says: `The main thread is busy ${percent(delay.busyShare)} of the time. ${targets.map(verdict).join(' ')} The longest delay is ${ms(delay.longestMs)}.`,
      },
    ],
    targets,
  };
}

function target(what: string, got: number): MeasuredTarget {
  return {
    what,
    reach: `< ${LOOP_LIMIT_MS} ms`,
    got: ms(got),
    isReached: got < LOOP_LIMIT_MS,
    missedBy: ms(got - LOOP_LIMIT_MS),
  };
}

function verdict({ what, got, isReached, missedBy }: MeasuredTarget): string {
  const outcome = isReached ? 'reaches' : `misses, by ${missedBy},`;
  return `The ${what} is ${got}, which ${outcome} the figure of ${LOOP_LIMIT_MS} ms.`;
}
