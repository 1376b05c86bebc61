import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { probeCall, refusedAs } from '../aws/probe-call.ts';
import type { CallProbe } from '../aws/probe-call.ts';

/**
 * Tries each call of S3 on a bucket: begins an upload and takes it back, so that no object appears.
 * @param prefix begin of keys, without slashes at its ends
 */
export async function probeBucket(
  client: S3Client,
  bucket: string,
  prefix: string,
): Promise<CallProbe[]> {
  const key = `${prefix === '' ? '' : `${prefix}/`}components/vedette-doctor/${randomUUID()}`;
  const target = { Bucket: bucket, Key: key };
  const object = `arn:aws:s3:::${bucket}/${key}`;
  const listing = await probeCall('s3:ListBucketMultipartUploads', `arn:aws:s3:::${bucket}`, () =>
    client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key, MaxUploads: 1 })),
  );
  let uploadId: string | undefined;
  const begun = await probeCall('s3:PutObject', object, async () => {
    // With a tag, as uploads have them: that may be denied by itself.
    const command = new CreateMultipartUploadCommand({
      ...target,
      Tagging: 'vedette:managed=true',
    });
    uploadId = (await client.send(command)).UploadId;
  });
  const of = { ...target, UploadId: uploadId ?? randomUUID() };
  const gone = refusedAs('NoSuchUpload');
  const parts = await probeCall(
    's3:ListMultipartUploadParts',
    object,
    () => client.send(new ListPartsCommand(of)),
    gone,
  );
  const abort = await probeCall(
    's3:AbortMultipartUpload',
    object,
    () => client.send(new AbortMultipartUploadCommand(of)),
    gone,
  );
  const left = uploadId !== undefined && abort.state !== 'allowed';
  return [
    listing,
    begun,
    parts,
    left ? { ...abort, says: `${abort.says}; the upload ${key} is left open` } : abort,
    await probeReading(client, target, object),
  ];
}

/** S3 answers 403 also for an object that is not there, to who may not list the bucket. */
async function probeReading(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  object: string,
): Promise<CallProbe> {
  const probe = await probeCall(
    's3:GetObject',
    object,
    () => client.send(new GetObjectCommand(target)),
    refusedAs('NoSuchKey', 404),
  );
  if (probe.state !== 'denied') return probe;
  return {
    ...probe,
    state: 'unknown',
    says: 'not allowed, or allowed without s3:ListBucket: S3 gives the same answer to both',
  };
}
