import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import type { LocalEdgeRuntime } from '../../../component/local-edge-runtime.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

const [brick] = brickPictures();
const PICTURE = join(samplesFolder, 'images', 'brick', 'good-00.png');

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount())('on a full disk (skipped where mounting is not permitted)', () => {
  let folder: string;
  let disk: string;
  let runtime: LocalEdgeRuntime;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vedette-pipeline-'));
    disk = join(folder, 'disk');
    await mkdir(disk);
    await mkdir(join(folder, 'in'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    runtime = await startEdgeRuntime({
      config: runtimeConfigSchema.parse({
        dataFolder: disk,
        models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
        cameras: {
          gate: { model: 'brick', source: { kind: 'push' } },
          station: {
            model: 'brick',
            source: { kind: 'folder', mode: 'watch', path: join(folder, 'in'), settleMs: 20 },
          },
        },
      }),
      version: '0.1.0',
      logger: pino({ level: 'silent' }),
      readSecret: async () => '',
    });
    await expect.poll(() => runtime.readiness().isReady, { timeout: 20_000 }).toBe(true);
  });
  afterEach(async () => {
    await runtime.close();
    execFileSync('umount', ['-l', disk]);
    await rm(folder, { recursive: true, force: true });
  });

  const push = () => runtime.pushFrame('gate', { data: Uint8Array.from(brick!.bytes) });
  async function fill(): Promise<void> {
    const { bavail, bsize } = await statfs(disk);
    // The registry may take some of it in the meantime: full is full.
    await writeFile(join(disk, 'ballast'), Buffer.alloc(bavail * bsize)).catch((error: unknown) =>
      expect(error).toMatchObject({ code: 'ENOSPC' }),
    );
  }
  const notStored = async () =>
    /^vedette_results_not_stored_total\{source="gate"\} (\d+)$/m.exec(
      (await runtime.metrics()).text,
    )?.[1];

  it('a pushed picture is answered only with a result that is stored, a file waits for its own', async () => {
    await push();
    await fill();
    let refusals = 0;
    for (let count = 0; count < 40 && refusals < 3; count += 1) {
      try {
        const { id } = await push();
        expect(await runtime.result(id)).toMatchObject({ id });
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORAGE_FULL' });
        refusals += 1;
      }
    }
    expect(refusals).toBe(3);
    expect(await notStored()).toBe('3');

    await copyFile(PICTURE, join(folder, 'in', 'part.png'));
    await expect.poll(() => runtime.camera('station').framesJudged, { timeout: 10_000 }).toBe(1);
    expect(await readdir(join(folder, 'in'))).toEqual(['part.png']);

    await rm(join(disk, 'ballast'));
    await expect
      .poll(() => readdir(join(folder, 'in', 'done')).catch(() => []), { timeout: 20_000 })
      .toEqual(['part.png']);
    const { items } = await runtime.results({ camera: 'station', limit: 10 });
    expect(items).toHaveLength(1);
    expect((await push()).cameraSequence).toBeGreaterThan(0);
  }, 60_000);
});
