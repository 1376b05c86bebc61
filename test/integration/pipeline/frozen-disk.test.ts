import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TriggerAnswer } from '../../../component/contract/transaction.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';

/** Longer than who was promised a stored result waits. */
const FROZEN_SECONDS = 14;
const picture = (name: string) => join(samplesFolder, 'images', 'brick', name);

/** Whether a file system of its own can be mounted and frozen: as root, with loop devices. */
function canFreeze(): boolean {
  if (process.env['VEDETTE_DEEP'] !== '1' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('losetup', ['--find'], { stdio: 'ignore' });
    execFileSync('fsfreeze', ['--version'], { stdio: 'ignore' });
    execFileSync('mkfs.ext4', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canFreeze())('a disk that takes nothing for seconds (deep; needs root)', () => {
  let folder: string;
  let disk: string;
  let running: RunningRuntime;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vedette-frozen-disk-'));
    disk = join(folder, 'disk');
    const image = join(folder, 'image');
    await mkdir(disk);
    execFileSync('truncate', ['-s', '256M', image]);
    execFileSync('mkfs.ext4', ['-q', image]);
    execFileSync('mount', ['-o', 'loop', image, disk]);
    await cp(picture('good-00.png'), join(folder, 'both', 'good.png'));
    await cp(picture('defect-00.png'), join(folder, 'both', 'defect.png'));
    const source = { kind: 'folder' as const, path: join(folder, 'both'), framesPerSecond: 25 };
    running = await startRuntime(join(folder, 'unused'), {
      dataFolder: join(disk, 'data'),
      models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
      retention: { minFreeBytes: 1_000_000 },
      cameras: {
        line: {
          ...{ model: 'brick', policy: 'triggered', source },
          trigger: { deadlineMs: 3000, afterMs: 3000 },
        },
        belt: { model: 'brick', policy: 'newest', source },
        pushed: { model: 'brick', source: { kind: 'push' } },
      },
      rules: { defect: { camera: 'line', kind: 'anomaly' } },
      captures: { fails: { camera: 'line', outcomes: { fail: true } } },
    });
  }, 60_000);
  afterAll(async () => {
    await running.close();
    execFileSync('umount', [disk]);
    await rm(folder, { recursive: true, force: true });
  });

  /** A process of its own ends it, whatever becomes of this one. */
  function freeze(): ChildProcess {
    execFileSync('fsfreeze', ['--freeze', disk]);
    return spawn('sh', ['-c', `sleep ${FROZEN_SECONDS}; fsfreeze --unfreeze "$0"`, disk]);
  }

  it('stops no verdict, is told to who was promised more, and gets all afterwards', async () => {
    const { runtime } = running;
    const png = await readFile(picture('good-00.png'));
    await runtime.trigger('line', { source: 'http' }).answer;
    const judgedBefore = runtime.camera('belt').framesJudged;

    const freezing = freeze();
    const thawed = once(freezing, 'exit');
    const refused = Promise.allSettled([
      runtime.inferPicture({ requestId: '1', model: 'brick', data: Uint8Array.from(png) }),
      runtime.pushFrame('pushed', { data: Uint8Array.from(png) }),
    ]);
    const parts: TriggerAnswer[] = [];
    while (freezing.exitCode === null) {
      const part = runtime.trigger('line', { source: 'http', isPromised: true });
      parts.push(part);
      expect((await part.verdict).transaction).toMatchObject({ isFailSafe: false });
    }
    await thawed;
    const judged = runtime.camera('belt').framesJudged;
    for (const one of await refused) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'REGISTRY_UNAVAILABLE' } });
    }
    // More than may be on their way to the disk.
    expect(judged - judgedBefore).toBeGreaterThan(20);

    for (const { transaction, verdict } of parts) {
      const given = await verdict;
      await expect
        .poll(() => runtime.transaction(transaction.id).catch(() => undefined), { timeout: 30_000 })
        .toMatchObject({ end: 'answered', resultId: given.id });
      await expect
        .poll(() => runtime.result(given.id).catch(() => undefined), { timeout: 30_000 })
        .toMatchObject({ id: given.id, verdict: given.verdict });
    }
    const fails = await Promise.all(parts.map(({ verdict }) => verdict));
    const ids = new Set(fails.filter((one) => one.verdict.outcome === 'fail').map(({ id }) => id));
    await expect
      .poll(
        async () => {
          const { items } = await runtime.captures({ camera: 'line', limit: 1000 });
          return items.filter(({ resultId }) => ids.has(resultId)).length;
        },
        { timeout: 30_000 },
      )
      .toBe(ids.size);
    expect((await runtime.metrics()).text).not.toMatch(/^vedette_results_not_stored_total\{/m);
  }, 120_000);
});
