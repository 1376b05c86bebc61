import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';

const WAIT = { timeout: 30_000, interval: 20 };
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
let running: RunningRuntime;
let settings: Record<string, unknown>;
const clip = join(samplesFolder, 'clips', 'walkway.mp4');
let packages: ModelPackages;

beforeAll(async () => {
  packages = await ModelPackages.create();
  const parts = await versionPackage(packages, '1.0.0', constantModel(0.2));
  const folder = await mkdtemp(join(tmpdir(), 'vedette-shared-'));
  settings = {
    dataFolder: join(folder, 'data'),
    models: {
      parts: { package: parts },
      detector: { package: join(samplesFolder, 'models', 'coco-detector') },
    },
    cameras: {
      // By its name the first to start, before the one whose frames it gets.
      all: { model: 'detector', source: { kind: 'camera', camera: 'gate' } },
      gate: {
        model: 'parts',
        source: { kind: 'ffmpeg', url: clip },
      },
    },
  };
  running = await startRuntime(folder, settings);
});
afterAll(async () => {
  await running.close();
  await packages.close();
});

const camera = (name: string) => running.runtime.cameras().find((one) => one.name === name)!;

/** Process ids of the ffmpeg children of this process. */
function decoders(): readonly number[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const isFfmpeg = (pid: string) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!.includes('ffmpeg');
  return children.filter(isFfmpeg).map(Number);
}

it('two cameras with two models judge the pictures of one decoder, and both come back', async () => {
  const bothJudge = (more: number) => {
    const before = { gate: camera('gate').framesJudged, all: camera('all').framesJudged };
    return vi.waitFor(() => {
      for (const name of ['gate', 'all'] as const) {
        expect(camera(name).state).toBe('running');
        expect(camera(name).framesJudged).toBeGreaterThanOrEqual(before[name] + more);
      }
    }, WAIT);
  };
  await bothJudge(3);
  const [decoder, ...more] = decoders();
  expect(more).toEqual([]);

  process.kill(decoder!, 'SIGKILL');
  await vi.waitFor(() => expect(camera('all').restarts).toBeGreaterThan(0), WAIT);
  await bothJudge(3);
  expect(decoders()).toHaveLength(1);

  // The picture of the one is that of the other, by its number and its time.
  const { items: ofGate } = await running.runtime.results({ camera: 'gate', limit: 1000 });
  const { items: ofAll } = await running.runtime.results({ camera: 'all', limit: 1000 });
  const times = new Map(ofGate.map(({ frame }) => [frame.sequence, frame.capturedAt]));
  const common = ofAll.filter(({ frame }) => times.has(frame.sequence));
  expect(common.length).toBeGreaterThan(0);
  for (const { frame } of common) expect(frame.capturedAt).toBe(times.get(frame.sequence));
});

it('a source that a configuration opens anew brings the camera along that shares it', async () => {
  const apply = (cameras: Record<string, unknown>) =>
    running.runtime.apply(runtimeConfigSchema.parse({ ...settings, cameras }));
  const all = { model: 'detector', source: { kind: 'camera', camera: 'gate' } };
  const gate = { model: 'parts', source: { kind: 'ffmpeg', url: clip, scaling: 'model' } };
  await apply({ all, gate });
  await vi.waitFor(() => expect(camera('all').framesJudged).toBeGreaterThan(0), WAIT);
  expect(decoders()).toHaveLength(1);
  // As small as the model of `gate` takes, but never smaller than the other one needs.
  const { items } = await running.runtime.results({ camera: 'all', limit: 1 });
  expect(items[0]!.frame.scaledTo?.height ?? 576).toBeGreaterThanOrEqual(512);

  await apply({ all, gate: { ...gate, isEnabled: false } });
  await vi.waitFor(() => {
    expect(camera('all').reason?.message).toContain(
      'camera gate, whose frames it gets, is disabled',
    );
  }, WAIT);
  expect(camera('all').state).toBe('failed');
  await vi.waitFor(() => expect(decoders()).toEqual([]), WAIT);
  await apply({ gate });
  await vi.waitFor(() => expect(camera('gate').state).toBe('running'), WAIT);
});
