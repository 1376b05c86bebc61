import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { demoFlatOut } from './demo-config.ts';
import { digits, span } from './number-text.ts';
import { secondsToFirstVerdicts } from './prepared-start.ts';
import type { BenchContext, Section, SectionReport, MeasuredTarget } from './section.ts';
import { median, range } from './statistics.ts';

const TIMES = 3;
const LIMIT_SECONDS = 3;

export const startSection: Section = {
  name: 'start',
  title: 'From `npm start` to the first verdicts',
  run: measureStart,
};

interface Start {
  readonly kind: 'first start' | 'second start';
  /** In seconds, by camera. */
  readonly verdicts: ReadonlyMap<string, number>;
}

async function measureStart({ root, folder, progress }: BenchContext): Promise<SectionReport> {
  const cameras = Object.keys(demoFlatOut(root).cameras ?? {});
  const starts: Start[] = [];
  for (let time = 0; time < TIMES; time++) {
    const dataFolder = path.join(folder, `start-${time}`);
    mkdirSync(dataFolder, { recursive: true });
    for (const kind of ['first start', 'second start'] as const) {
      progress(`${kind}, ${time + 1} of ${TIMES}`);
      starts.push({ kind, verdicts: await secondsToFirstVerdicts(root, dataFolder, cameras) });
    }
  }
  const kinds = ['first start', 'second start'] as const;
  const ofKind = (kind: Start['kind'], camera: string) =>
    starts.filter((start) => start.kind === kind).map(({ verdicts }) => verdicts.get(camera)!);
  const targets = kinds.flatMap((kind) =>
    cameras.map((camera) => target(kind, camera, median(ofKind(kind, camera)))),
  );
  return {
    method:
      'The real `npm start` on a prepared clone, with npm and the check of the set-up, until a verdict of each camera is in the database and can be read over HTTP. On the first start the data folder is empty, so each model also passes its first run in the probe process.',
    tables: [
      {
        columns: ['start', ...cameras.flatMap((camera) => [`${camera}, s`, 'least–most'])],
        rows: kinds.map((kind) => [
          kind,
          ...cameras.flatMap((camera) => {
            const seconds = ofKind(kind, camera);
            const { lowest, highest } = range(seconds);
            return [digits(median(seconds)), span(lowest, highest)];
          }),
        ]),
        says: says(targets),
      },
    ],
    targets,
  };
}

function target(kind: Start['kind'], camera: string, seconds: number): MeasuredTarget {
  return {
    what: `\`npm start\` to the first verdict of ${camera}, ${kind}`,
    reach: `≤ ${LIMIT_SECONDS} s`,
    got: `${digits(seconds)} s`,
    isReached: seconds <= LIMIT_SECONDS,
    missedBy: `${digits(seconds - LIMIT_SECONDS)} s`,
  };
}

function says(targets: readonly MeasuredTarget[]): string {
  const missed = targets.filter(({ isReached }) => !isReached);
  if (missed.length === 0) {
    return `Each camera has a stored verdict within ${LIMIT_SECONDS} s, also when the models are tried for the first time.`;
  }
  return `The figure of ${LIMIT_SECONDS} s is missed: ${missed
    .map(({ what, got, missedBy }) => `${what} takes ${got}, ${missedBy} too long`)
    .join('; ')}.`;
}
