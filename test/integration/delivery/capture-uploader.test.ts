import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, truncate } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeliveryConfig } from '../../../component/contract/delivery-config.ts';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type { StoredCapture } from '../../../component/contract/ports.ts';
import { CaptureStore } from '../../../component/delivery/capture-store.ts';
import {
  CaptureUploader,
  isWithin,
  pauseAfter,
} from '../../../component/delivery/capture-uploader.ts';
import { openS3, S3Objects } from '../../../component/object-store/s3-objects.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { everything, upTo } from '../../support/delivery-parts.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { configDefaults } from '../registry/config-defaults.ts';
import { sampleResult } from '../registry/sample-result.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const MEBIBYTE = 1024 * 1024;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openDevice() {
  const aws = await EmulatedAws.start();
  closing.push(() => aws.close());
  Object.assign(process.env, aws.environment());
  const dataFolder = await temporaryFolder();
  const notices: string[] = [];
  const registry = await Registry.open({
    dataFolder,
    outbox: { ...everything, results: 'none', uploadsCaptures: true },
    onNotice: ({ error }) => notices.push(error.message),
  });
  closing.push(() => registry.close());
  const captures = new CaptureStore({ registry, dataFolder, retention: { minFreeBytes: 0 } });
  const save = async (byteLength: number): Promise<StoredCapture> => {
    const capturedAtMs = Date.UTC(2026, 10, 21, 9);
    const stored = await registry.appendResult(sampleResult({ camera: 'dock', capturedAtMs }), {
      durability: 'stream',
    });
    return captures.save({
      id: uuidv7(),
      camera: 'dock',
      capturedAtMs,
      bytes: randomBytes(byteLength),
      format: 'jpeg',
      result: stored,
      rule: 'everything',
    });
  };
  const problems: (VedetteError | undefined)[] = [];
  const upload = (settings: Partial<DeliveryConfig['captures']> = {}, hour = 12) => {
    const partBytes = 5 * MEBIBYTE;
    const client = openS3(REGION);
    const store = new S3Objects({ client, bucket: BUCKET, prefix: 'line-3', partBytes });
    const uploader = new CaptureUploader({
      registry,
      store,
      thing: 'station-7',
      captures: { isEnabled: true, ...settings },
      fileOf: (capture) => captures.fileOf(capture),
      onProblem: (error) => problems.push(error),
      now: () => new Date(2026, 10, 21, hour),
    });
    uploader.start();
    const end = async (): Promise<void> => {
      await uploader.close();
      store.close();
    };
    closing.push(end);
    return { uploader, end };
  };
  const waiting = async () => (await registry.outboxStatistics()).capturesWaiting;
  return { aws, registry, captures, save, upload, waiting, problems, notices };
}

describe('captures', () => {
  test('go up under a name of their content, with what is known of them', async () => {
    const { aws, captures, save, upload, waiting } = await openDevice();
    const saved = [await save(1000), await save(2000)];
    upload();
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
    for (const capture of saved) {
      const bytes = await readFile(captures.fileOf(capture));
      const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      const key = `${BUCKET}/line-3/station-7/dock/2026/11/21/${capture.id}-${digest}`;
      expect(aws.s3.objects.get(`${key}.jpg`)?.data).toEqual(bytes);
      const document = JSON.parse(aws.s3.objects.get(`${key}.json`)!.data.toString()) as object;
      expect(document).toMatchObject({ capture: { id: capture.id }, result: { camera: 'dock' } });
    }
    expect(aws.s3.objects.size).toBe(4);
  });

  test('a large one goes in parts, and goes on where it was interrupted', async () => {
    const { aws, captures, save, upload, waiting } = await openDevice();
    const capture = await save(12 * MEBIBYTE);
    let parts = 0;
    const interrupted = new Promise<void>((resolve) => {
      aws.s3.onCall = (operation, moment) => {
        if (operation === 's3:UploadPart' && moment === 'after' && ++parts === 1) resolve();
      };
    });
    aws.s3.faults.push({ operation: 's3:CompleteMultipartUpload', answer: 'cut' });
    const first = upload();
    await interrupted;
    await first.end();
    aws.s3.onCall = () => undefined;
    aws.s3.faults.length = 0;
    const before = aws.s3.calls.filter((call) => call.startsWith('s3:UploadPart')).length;
    expect(aws.s3.objects.size).toBe(0);
    upload();
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
    const after = aws.s3.calls.filter((call) => call.startsWith('s3:UploadPart')).length;
    const arrived = [...aws.s3.objects].find(([id]) => id.endsWith('.jpg'));
    expect(arrived?.[1].data).toEqual(await readFile(captures.fileOf(capture)));
    expect(aws.s3.uploads.size).toBe(0);
    expect(after - before).toBeLessThan(3);
  });

  test('one that has another’s name, or that cannot be read, is given up and told; the others go up', async () => {
    const { aws, registry, captures, save, upload, waiting, problems, notices } =
      await openDevice();
    const odd = await save(6 * MEBIBYTE);
    const short = await save(2000);
    await truncate(captures.fileOf(short), 500);
    const unreadable = await save(3000);
    await rm(captures.fileOf(unreadable));
    await mkdir(captures.fileOf(unreadable));
    const sound = await save(1000);
    const digest = createHash('sha256')
      .update(await readFile(captures.fileOf(odd)))
      .digest('hex');
    const key = `${BUCKET}/line-3/station-7/dock/2026/11/21/${odd.id}-${digest.slice(0, 16)}.jpg`;
    const other = { data: Buffer.from('other'), etag: '"x"', checksums: {}, headers: {} };
    aws.s3.objects.set(key, { ...other, checksumType: 'FULL_OBJECT' });
    upload();
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
    expect((await registry.outboxStatistics()).givenUp['captures-failed']).toBe(3);
    expect(notices[0]).toMatch(new RegExp(`${odd.id}.* given up: .*other content`));
    // Each was seen to by itself: nothing was in the way of all.
    expect(problems).toEqual([]);
    const pictures = [...aws.s3.objects.keys()].filter((one) => one.endsWith('.jpg'));
    expect(pictures.filter((one) => one !== key)).toEqual([expect.stringContaining(sound.id)]);
    expect(aws.s3.objects.get(key)?.data.toString()).toBe('other');
  });

  test('what is in the way is shown until it is not', async () => {
    const { aws, save, upload, waiting, problems } = await openDevice();
    await save(1000);
    aws.denied.add('s3:PutObject');
    upload();
    await expect.poll(() => problems.length, { timeout: 10_000 }).toBe(1);
    aws.denied.clear();
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
    await expect.poll(() => problems.length).toBe(2);
    expect(problems.map((one) => one?.code)).toEqual(['AWS_ACCESS_DENIED', undefined]);
  });

  test('are followed by a pause that makes their mean the rate that is allowed', () => {
    expect(pauseAfter(5000, 200, 10_000)).toBe(300);
    expect(pauseAfter(5000, 600, 10_000)).toBe(0);
    expect(pauseAfter(5000, 0)).toBe(0);
    expect(pauseAfter(0, 10, 10_000)).toBe(0);
  });

  test('wait for the hours of the day that are theirs', async () => {
    const { aws, save, upload, waiting } = await openDevice();
    await save(1000);
    const { end } = upload({ hours: { from: 22, to: 6 } }, 12);
    expect(await waiting()).toBe(1);
    await end();
    expect(aws.s3.calls).toEqual([]);
    upload({ hours: { from: 22, to: 6 } }, 23);
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
    const hours = upTo(24).map((hour) => isWithin({ from: 22, to: 6 }, hour - 1));
    expect(hours.filter(Boolean).length).toBe(8);
    expect(isWithin({ from: 8, to: 17 }, 17)).toBe(false);
  });

  test('that wait are kept by retention until only they can make room, which is counted', async () => {
    const { registry, save, waiting } = await openDevice();
    for (const _ of upTo(10)) await save(400_000);
    const retention = {
      ...configDefaults.retention,
      capturesMaxCount: 2,
      capturesMaxAgeHours: 0.01,
    };
    await registry.applyRetention(retention);
    expect(await waiting()).toBe(10);
    for (const key of upTo(3)) await registry.endCaptureUpload(key);
    await registry.applyRetention(retention);
    expect((await registry.statistics()).captures).toBe(7);
    await registry.applyRetention({ ...retention, capturesMaxBytes: 1_700_000 });
    const { captures } = await registry.statistics();
    const { capturesWaiting, givenUp } = await registry.outboxStatistics();
    expect(captures).toBe(4);
    expect(capturesWaiting).toBe(4);
    expect(givenUp['captures-disk-budget']).toBe(3);
  });
});
