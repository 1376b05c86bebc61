import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';

const PICTURE = join(samplesFolder, 'images', 'brick', 'good-00.png');
const PARTS = 60;

it('each part has one result and lies in done/, though the database is lost again and again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-pipeline-'));
  const station = join(folder, 'in');
  await mkdir(station);
  const databases = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (
    this: Worker,
    ...message: Parameters<typeof post>
  ) {
    if (JSON.stringify(message[0])?.includes('"appendResult"')) databases.add(this);
    post.apply(this, message);
  });
  const runtime = await startEdgeRuntime({
    config: runtimeConfigSchema.parse({
      dataFolder: join(folder, 'data'),
      models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
      cameras: {
        station: {
          model: 'brick',
          source: { kind: 'folder', mode: 'watch', path: station, settleMs: 0 },
        },
      },
    }),
    version: '0.1.0',
    logger: pino({ level: 'silent' }),
    readSecret: async () => '',
  });
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  });

  const losses = (async () => {
    for (let count = 0; count < 3; count += 1) {
      await expect.poll(() => databases.size, { timeout: 20_000 }).toBeGreaterThan(0);
      for (const database of databases) await database.terminate();
      databases.clear();
    }
  })();
  for (let part = 0; part < PARTS; part += 1) {
    await cp(PICTURE, join(station, `.part-${part}`));
    await rename(join(station, `.part-${part}`), join(station, `part-${part}.png`));
    await pause(20);
  }
  await losses;
  await expect
    .poll(async () => (await readdir(join(station, 'done')).catch(() => [])).length, {
      timeout: 30_000,
    })
    .toBe(PARTS);
  const { items } = await runtime.results({ limit: 200 });
  expect(items).toHaveLength(PARTS);
  expect(new Set(items.map(({ frame }) => frame.fileName))).toEqual(
    new Set(Array.from({ length: PARTS }, (_, part) => `part-${part}.png`)),
  );
  // A file lies in done/ a moment before its frame is counted.
  await expect.poll(() => runtime.camera('station').framesJudged).toBe(PARTS);
}, 90_000);
