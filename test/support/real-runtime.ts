import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { z } from 'zod';
import { runtimeConfigSchema } from '../../component/contract/config.ts';
import { startEdgeRuntime } from '../../component/start-edge-runtime.ts';
import type { LocalEdgeRuntime } from '../../component/local-edge-runtime.ts';

export const samplesFolder = fileURLToPath(new URL('../../samples/', import.meta.url));

export interface RunningRuntime {
  readonly runtime: LocalEdgeRuntime;
  close(): Promise<void>;
}

/**
 * The real runtime on the sample models: `surfaces` loops through pictures of brick (fails are
 * captured), `pushed` takes what a program sends, and `cameras` come to them. Waits until every model is
 * ready.
 */
export async function startSampleRuntime(
  cameras: z.input<typeof runtimeConfigSchema>['cameras'] = {},
): Promise<RunningRuntime> {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-runtime-'));
  const pictures = join(folder, 'pictures');
  for (const name of ['good-00.png', 'defect-00.png']) {
    await cp(join(samplesFolder, 'images', 'brick', name), join(pictures, name));
  }
  return startRuntime(folder, {
    thing: 'test-station',
    models: {
      'coco-detector': { package: join(samplesFolder, 'models', 'coco-detector') },
      'brick-anomaly': { package: join(samplesFolder, 'models', 'brick-anomaly') },
    },
    cameras: {
      surfaces: {
        title: 'Brick surfaces',
        model: 'brick-anomaly',
        source: { kind: 'folder', path: pictures, mode: 'loop', framesPerSecond: 4 },
      },
      pushed: { model: 'brick-anomaly', source: { kind: 'push' } },
      ...cameras,
    },
    rules: {
      'surface-defect': { camera: 'surfaces', kind: 'anomaly' },
      'pushed-defect': { camera: 'pushed', kind: 'anomaly' },
    },
    captures: { failed: { outcomes: { fail: true } } },
  });
}

/**
 * The real runtime with this configuration and its data in `folder`, which is removed at the end. Waits
 * until every model is ready but those in `except`.
 */
export async function startRuntime(
  folder: string,
  settings: z.input<typeof runtimeConfigSchema>,
  { except = [] }: { readonly except?: readonly string[] } = {},
): Promise<RunningRuntime> {
  const config = runtimeConfigSchema.parse({ dataFolder: join(folder, 'data'), ...settings });
  const runtime = await startEdgeRuntime({
    config,
    version: '0.1.0',
    logger: pino({ level: 'silent' }),
    readSecret: async () => '',
  });
  const close = async () => {
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  };
  const awaited = () => runtime.models().filter(({ name }) => !except.includes(name));
  while (awaited().some(({ state }) => state !== 'ready')) {
    const failed = awaited().find(({ state }) => state === 'failed');
    if (failed !== undefined) {
      await close();
      throw new Error(`model ${failed.name}: ${failed.reason?.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { runtime, close };
}
