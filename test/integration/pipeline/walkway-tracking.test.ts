import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { startEdgeRuntime } from '../../../component/local-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

/** Every frame of the clip, each with its result; then the runtime is stopped. */
async function judgeWalkway(dataFolder: string) {
  const config = runtimeConfigSchema.parse({
    dataFolder,
    models: { detector: { package: join(samplesFolder, 'models', 'coco-detector') } },
    cameras: {
      walkway: {
        model: 'detector',
        // At the pace of the clip: how far people get between two pictures depends on their times.
        pace: 'source',
        policy: 'every',
        source: {
          kind: 'mjpeg-file',
          path: join(samplesFolder, 'clips', 'walkway.mjpeg'),
          shouldLoop: false,
          framesPerSecond: 10,
        },
        thresholds: { score: 0.4 },
        tracking: { maxLostMs: 60_000 },
      },
    },
    lines: {
      entry: {
        camera: 'walkway',
        points: [
          { x: 620, y: 130 },
          { x: 620, y: 450 },
        ],
      },
    },
    rules: {
      entering: {
        camera: 'walkway',
        kind: 'crossing',
        line: 'entry',
        label: 'person',
        direction: 'forward',
        maximum: 0,
      },
    },
  });
  const runtime = await startEdgeRuntime({
    config,
    version: '0.1.0',
    logger: pino({ level: 'silent' }),
    readSecret: async () => '',
  });
  try {
    const results: InferenceResult[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    runtime.subscribe((event) => {
      if (event.kind !== 'result') return;
      results.push(event.result);
      if (results.length === 120) resolve();
    });
    await promise;
    const { space } = runtime.camera('walkway');
    const metrics = (await runtime.metrics()).text;
    return {
      results: results.toSorted((a, b) => a.frame.sequence - b.frame.sequence),
      space,
      metrics,
    };
  } finally {
    await runtime.close();
  }
}

/** The number of the person whose box holds a place in a frame of the clip. */
function personAt(results: readonly InferenceResult[], frame: number, x: number, y: number) {
  const found = results[frame]!.detections!.filter(
    ({ label, box }) =>
      label === 'person' &&
      x > box.x &&
      x < box.x + box.width &&
      y > box.y &&
      y < box.y + box.height,
  );
  expect(found, `persons at ${x}, ${y} of frame ${frame}`).toHaveLength(1);
  return found[0]!.trackId;
}

it('people on the walkway keep their numbers, are counted as a person counts them, and go on after a restart', async () => {
  const dataFolder = await temporaryFolder();
  const first = await judgeWalkway(dataFolder);

  // Read off the pictures: frame, and a place on one and the same person.
  const WITH_BAG = [
    [20, 700, 321],
    [50, 523, 259],
    [90, 473, 198],
    [105, 521, 177],
    [119, 563, 162],
  ] as const;
  const ALONE = [
    [50, 690, 310],
    [60, 633, 285],
    [75, 591, 245],
    [90, 584, 215],
    [105, 616, 188],
    [119, 656, 167],
  ] as const;
  const numbersOf = (places: readonly (readonly [number, number, number])[]) => [
    ...new Set(places.map(([frame, x, y]) => personAt(first.results, frame, x, y))),
  ];
  const [bag, ...otherBags] = numbersOf(WITH_BAG);
  const [alone, ...otherAlone] = numbersOf(ALONE);
  expect([otherBags, otherAlone]).toEqual([[], []]);
  expect(bag).not.toBe(alone);

  // Counted by eye: four come in from the right, one of them goes back out.
  expect(first.space?.lines).toEqual({ entry: { forward: 4, backward: 1 } });
  expect(first.metrics).toContain(
    'vedette_line_crossings_total{camera="walkway",line="entry",direction="forward"} 4',
  );
  const broken = first.results.filter(({ verdict }) => verdict.outcome === 'fail');
  expect(broken.map(({ tracking }) => tracking!.events.length > 0)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(broken[0]!.verdict.reason).toBe('1 × person across entry forward, at most 0');

  const second = await judgeWalkway(dataFolder);
  expect(second.space?.lines).toEqual({ entry: { forward: 8, backward: 2 } });
  const idsOf = (results: readonly InferenceResult[]) =>
    results.flatMap(({ detections }) => detections!.flatMap(({ trackId }) => trackId ?? []));
  expect(Math.min(...idsOf(second.results))).toBeGreaterThan(Math.max(...idsOf(first.results)));
}, 180_000);
