import { randomBytes } from 'node:crypto';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';

const PART_BYTES = 5 * 1024 * 1024;
const place = (key: string) => ({ component: 'io.vedette.model.parts', version: '1.0.0', key });

let aws: EmulatedAws;
let folder: PublisherFolder;
let client: S3Client;
let store: S3Store;

beforeAll(async () => {
  aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  folder = await PublisherFolder.create();
  client = openS3(REGION);
  store = new S3Store({ client, bucket: BUCKET, prefix: '', partBytes: PART_BYTES });
});
afterEach(() => {
  aws.reset();
  aws.s3.pageSize = 1000;
});
afterAll(async () => {
  store.close();
  await folder.close();
  await aws.close();
});

const callsOf = (operation: string): number =>
  aws.s3.calls.filter((call) => call.startsWith(operation)).length;

describe('artifacts in S3', { timeout: 60_000 }, () => {
  it.each([
    ['one call', 1000],
    ['parts', PART_BYTES + 1],
  ])('have tags that say whose they are (%s)', async (what, byteLength) => {
    const archive = await folder.archive(randomBytes(byteLength));
    await store.put(archive, place(what));
    expect(aws.s3.objects.get(`${BUCKET}/${what}`)?.tags).toEqual({
      'vedette:managed': 'true',
      'vedette:sha256': archive.sha256,
    });
  });

  it('have them also when an older version, which gave none, began the upload', async () => {
    const archive = await folder.archive(randomBytes(PART_BYTES + 1));
    await client.send(
      new CreateMultipartUploadCommand({
        ...{ Bucket: BUCKET, Key: 'begun', ChecksumAlgorithm: 'SHA256' },
      }),
    );
    await store.put(archive, place('begun'));
    expect(callsOf('s3:CreateMultipartUpload')).toBe(1);
    expect(aws.s3.objects.get(`${BUCKET}/begun`)?.tags).toEqual({
      'vedette:managed': 'true',
      'vedette:sha256': archive.sha256,
    });
  });

  it('are refused with the statement that is missing when putting is allowed and tagging is not', async () => {
    aws.denied.add('s3:PutObjectTagging');
    const archive = await folder.archive(randomBytes(1000));
    await expect(store.put(archive, place('untagged'))).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      details: { statement: { Action: 's3:PutObjectTagging' } },
    });
    expect(aws.s3.objects.has(`${BUCKET}/untagged`)).toBe(false);
  });

  it('go in parts over connections that are kept, each part right in its place', async () => {
    const content = randomBytes(7 * PART_BYTES + 1);
    const before = aws.s3.connections;
    await store.put(await folder.archive(content), place('kept'));
    expect(aws.s3.connections - before).toBeLessThanOrEqual(4);
    expect(callsOf('s3:UploadPart')).toBe(8);
    expect(aws.s3.objects.get(`${BUCKET}/kept`)?.data.equals(content)).toBe(true);
  });

  it('go on with an upload that only the third page names, of parts on several pages', async () => {
    const archive = await folder.archive(randomBytes(3 * PART_BYTES + 1));
    const refused = { status: 403, body: '<Error><Code>ExpiredToken</Code></Error>' };
    aws.s3.faults.push({ operation: 's3:CompleteMultipartUpload', answer: refused });
    await expect(store.put(archive, place('paged'))).rejects.toMatchObject({
      code: 'AWS_CREDENTIALS_EXPIRED',
    });
    aws.s3.faults.length = 0;
    aws.s3.calls.length = 0;
    aws.s3.pageSize = 1;
    // Others of the same key, begun and left.
    for (let count = 0; count < 3; count += 1) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'paged' }));
    }
    await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'paged-behind' }));
    await store.put(archive, place('paged'));
    expect(aws.s3.objects.get(`${BUCKET}/paged`)?.data.length).toBe(archive.byteLength);
    expect(callsOf('s3:ListMultipartUploads')).toBeGreaterThan(3);
    expect(callsOf('s3:UploadPart')).toBe(0);
  });

  it('end every upload that was left of an object that is there, whatever page it is on', async () => {
    const archive = await folder.archive(randomBytes(PART_BYTES + 1));
    await store.put(archive, place('ended'));
    aws.s3.pageSize = 2;
    for (let count = 0; count < 5; count += 1) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'ended' }));
    }
    expect((await store.put(archive, place('ended'))).isNew).toBe(false);
    expect([...aws.s3.uploads.values()].filter(({ key }) => key === `${BUCKET}/ended`)).toEqual([]);
  });
});
