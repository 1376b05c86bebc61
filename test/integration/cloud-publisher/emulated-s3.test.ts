import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc64nvme } from '../../support/emulated-aws/checksums.ts';
import { decodeAwsChunked } from '../../support/emulated-aws/aws-chunked.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';

let aws: EmulatedAws;
let client: S3Client;

beforeAll(async () => {
  aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  client = new S3Client({ region: REGION });
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});

describe('the emulated S3', () => {
  it('knows CRC-64/NVME by its published check value', () => {
    expect(crc64nvme(Buffer.from('123456789')).toString('hex')).toBe('ae8b14860a799888');
  });

  it('takes streamed puts of the SDK (aws-chunked, with a sum behind the data) byte for byte', async () => {
    const content = randomBytes(300_000);
    const chunks = [content.subarray(0, 100_000), content.subarray(100_000)];
    await client.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: 'streamed',
        Body: Readable.from(chunks),
        ContentLength: content.length,
      }),
    );
    expect(aws.s3.objects.get(`${BUCKET}/streamed`)?.data.equals(content)).toBe(true);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'streamed' }));
    expect(Buffer.from(await Body!.transformToByteArray()).equals(content)).toBe(true);
  });

  it('refuses bytes that are not those of their sum, and a second put that must find nothing', async () => {
    const put = (more: object) =>
      client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'x', Body: 'abc', ...more }));
    await expect(put({ ChecksumSHA256: 'A'.repeat(43) + '=' })).rejects.toMatchObject({
      name: 'BadDigest',
    });
    await put({ IfNoneMatch: '*' });
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  it('refuses a chunked body that is cut short', () => {
    const whole = Buffer.from(
      '5;chunk-signature=a\r\nhello\r\n0\r\nx-amz-checksum-crc32:abc\r\n\r\n',
    );
    expect(decodeAwsChunked(whole)).toMatchObject({
      data: Buffer.from('hello'),
      trailers: { 'x-amz-checksum-crc32': 'abc' },
    });
    expect(decodeAwsChunked(whole.subarray(0, 24))).toBeUndefined();
    expect(decodeAwsChunked(Buffer.from('zz\r\n'))).toBeUndefined();
  });
});
