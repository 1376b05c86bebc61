import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';
import { lineSchema, trackingSchema } from '../../../component/contract/space-config.ts';
import { Scene, type SeenScene } from '../../../component/pipeline/space/scene.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

/** The camera's threshold, and the least that continues a track. */
const SURE_SCORE = 0.4;
const MIN_SCORE = 0.1;

const entry = {
  camera: 'walkway',
  points: [
    { x: 620, y: 130 },
    { x: 620, y: 450 },
  ],
};

/** Every frame of the clip, each with its result; then the runtime is stopped. */
async function judgeWalkway(dataFolder: string, isTracked = true) {
  const config = runtimeConfigSchema.parse({
    dataFolder,
    models: { detector: { package: join(samplesFolder, 'models', 'coco-detector') } },
    cameras: {
      walkway: {
        model: 'detector',
        pace: 'fast',
        policy: 'every',
        source: {
          kind: 'mjpeg-file',
          path: join(samplesFolder, 'clips', 'walkway.mjpeg'),
          shouldLoop: false,
        },
        thresholds: { score: isTracked ? SURE_SCORE : MIN_SCORE },
        // Times are those of judging here; a busy machine may be slow.
        tracking: { maxLostMs: 60_000 },
      },
    },
    lines: isTracked ? { entry } : {},
    rules: isTracked
      ? {
          entering: {
            camera: 'walkway',
            kind: 'crossing',
            line: 'entry',
            label: 'person',
            direction: 'forward',
            maximum: 0,
          },
        }
      : {},
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
function personAt(
  results: readonly Pick<SeenScene, 'detections'>[],
  frame: number,
  x: number,
  y: number,
) {
  const found = results[frame]!.detections.filter(
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

/** What a scene makes of the clip at its own ten pictures a second, however long judging took. */
function followWalkway(results: readonly InferenceResult[]) {
  const crossings: string[] = [];
  let lastId = 0;
  const scene = new Scene({
    settings: trackingSchema.parse({}),
    zones: {},
    lines: { entry: lineSchema.parse(entry) },
    rememberMs: 60_000,
    counters: {
      nextTrackId: () => (lastId += 1),
      increment: (counter) => crossings.push(counter),
      valueOf: () => 0,
    },
  });
  const frames = results.map(({ detections }, index) =>
    scene.see({
      detections: detections!,
      isSure: ({ score }) => score >= SURE_SCORE,
      capturedAtMs: 100 * index,
      origin: 'clip',
    }),
  );
  return { frames, events: frames.flatMap(({ tracking }) => tracking.events) };
}

it('people on the walkway keep their numbers and are counted as a person counts them', async () => {
  const { results } = await judgeWalkway(await temporaryFolder(), false);
  const { frames, events } = followWalkway(results);

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
    ...new Set(places.map(([frame, x, y]) => personAt(frames, frame, x, y))),
  ];
  const [bag, ...otherBags] = numbersOf(WITH_BAG);
  const [alone, ...otherAlone] = numbersOf(ALONE);
  expect([otherBags, otherAlone]).toEqual([[], []]);
  expect(bag).not.toBe(alone);

  // Counted by eye: four come in from the right, one of them goes back out.
  const across = (wanted: string) =>
    events.filter((event) => event.kind === 'crossed' && event.direction === wanted);
  expect(across('forward')).toHaveLength(4);
  expect(across('backward')).toHaveLength(1);
}, 180_000);

// Judges the clip twice.
it.runIf(process.env['VEDETTE_DEEP'] === '1')(
  'counts and numbers of a camera go on after a restart, and each crossing breaks its rule',
  async () => {
    const dataFolder = await temporaryFolder();
    const first = await judgeWalkway(dataFolder);
    const { forward, backward } = first.space!.lines['entry']!;
    expect(forward).toBeGreaterThan(1);
    expect(first.metrics).toContain(
      `vedette_line_crossings_total{camera="walkway",line="entry",direction="forward"} ${forward}`,
    );
    const broken = first.results.filter(({ verdict }) => verdict.outcome === 'fail');
    expect(broken.length).toBeGreaterThan(0);
    for (const { tracking } of broken) expect(tracking!.events.length).toBeGreaterThan(0);
    expect(broken[0]!.verdict.reason).toBe('1 × person across entry forward, at most 0');

    const second = await judgeWalkway(dataFolder);
    const crossings = (results: readonly InferenceResult[], direction: string) =>
      results
        .flatMap(({ tracking }) => tracking!.events)
        .filter((event) => event.kind === 'crossed' && event.direction === direction).length;
    expect(second.space!.lines['entry']).toEqual({
      forward: forward + crossings(second.results, 'forward'),
      backward: backward + crossings(second.results, 'backward'),
    });
    const idsOf = (results: readonly InferenceResult[]) =>
      results.flatMap(({ detections }) => detections!.flatMap(({ trackId }) => trackId ?? []));
    expect(Math.min(...idsOf(second.results))).toBeGreaterThan(Math.max(...idsOf(first.results)));
  },
  180_000,
);
