import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CameraStatus } from '../../../component/contract/ports.ts';
import { anomalyManifest, brightnessModel, ModelPackages } from '../../support/model-packages.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const WARM_UP_FRAMES = isDeep ? 2000 : 800;
const FRAMES = isDeep ? 40_000 : 1600;
/** The collector of garbage lets memory waver by tens of megabytes; a kept frame is a megabyte. */
const MAX_GROWTH_BYTES = 64e6;

let folder: RuntimeFolder;
let packages: ModelPackages;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  packages = await ModelPackages.create();
});

afterAll(async () => {
  await folder.close();
  await packages.close();
});

/** A model that takes no time, so that frames pass as fast as everything around it allows. */
async function twoCamerasFlatOut(): Promise<object> {
  const camera = (source: object) => ({ model: 'brightness', pace: 'fast', source });
  return {
    models: { brightness: { package: await packages.add(brightnessModel(), anomalyManifest) } },
    cameras: {
      walkway: camera({ kind: 'mjpeg-file', path: samples('clips', 'walkway.mjpeg') }),
      surfaces: camera({ kind: 'folder', path: samples('images', 'brick') }),
    },
    rules: { surfaces: { camera: 'surfaces', kind: 'anomaly', failAt: 0 } },
    captures: { failed: { outcomes: { fail: true }, minIntervalMs: 250 } },
    retention: { capturesMaxCount: 10, resultsMaxCount: 500 },
  };
}

async function judged(runtime: RuntimeProcess, frames: number): Promise<number> {
  const total = (cameras: readonly CameraStatus[]) =>
    cameras.reduce((sum, { framesJudged }) => sum + framesJudged, 0);
  const { items } = await runtime.until<{ items: CameraStatus[] }>(
    '/api/v1/cameras',
    (answer) => total(answer.items) >= frames,
    isDeep ? 800_000 : 80_000,
  );
  return total(items);
}

describe('resident memory', () => {
  it(
    'does not grow with the number of frames',
    { timeout: isDeep ? 900_000 : 90_000 },
    async () => {
      const runtime = await folder.start(await twoCamerasFlatOut());
      const warm = await judged(runtime, WARM_UP_FRAMES);
      const before = runtime.residentBytes;
      await judged(runtime, warm + FRAMES);
      const growth = runtime.residentBytes - before;
      expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
      expect(await runtime.stop()).toEqual({ code: 0, signal: null });
    },
  );
});
