import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { DEFAULT_POLLING } from '../../../cloud-publisher/publication/wait-until-deployable.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { describeArtifactStore } from './artifact-store.contract.ts';
import { describeComponentGateway } from './component-gateway.contract.ts';

/**
 * The suites of the emulated services against real ones: `npm run try:aws`, with credentials,
 * AWS_REGION and a bucket in VEDETTE_TRY_BUCKET. Everything is made below a prefix and under a
 * component's name that are of this run alone, and deleted again.
 */
const isTried = process.env['VEDETTE_TRY_AWS'] === '1';
const bucket = process.env['VEDETTE_TRY_BUCKET'] ?? '';
const run = randomUUID();
const TIMEOUT_MS = 600_000;

if (!isTried) {
  describe('a real AWS account', () => {
    it.skip('not tried: `npm run try:aws` needs credentials, AWS_REGION and VEDETTE_TRY_BUCKET', () => {
      // Nothing was called.
    });
  });
} else if (bucket === '') {
  describe('a real AWS account', () => {
    it('is tried with a bucket: name one in VEDETTE_TRY_BUCKET', () => {
      expect(process.env).toHaveProperty('VEDETTE_TRY_BUCKET');
      expect(bucket).not.toBe('');
    });
  });
} else {
  describeComponentGateway(
    'a real AWS account',
    async () => {
      const account = await findAccount(undefined);
      const component = `io.vedette.model.try-${run}`;
      const prefix = `vedette-try/${run}/components`;
      const client = openS3(account.region);
      return {
        gateway: new GreengrassGateway(openGreengrass(account.region), account),
        store: new S3Store({ client: openS3(account.region), bucket, prefix }),
        component,
        polling: DEFAULT_POLLING,
        close: async () => {
          const gateway = new GreengrassGateway(openGreengrass(account.region), account);
          for (const version of await gateway.versions(component)) {
            await gateway.remove(component, version);
          }
          gateway.close();
          await clear(client, prefix);
          client.destroy();
        },
      };
    },
    TIMEOUT_MS,
  );

  describeArtifactStore(
    'a real bucket',
    async () => {
      const { region } = await findAccount(undefined);
      const prefix = `vedette-try/${run}/artifacts`;
      const client = openS3(region);
      const at = (key: string) => ({ Bucket: bucket, Key: `${prefix}/${key}` });
      return {
        store: new S3Store({ client: openS3(region), bucket, prefix }),
        read: async ({ key }) => {
          try {
            const { Body } = await client.send(new GetObjectCommand(at(key)));
            return Buffer.from(await Body!.transformToByteArray());
          } catch (error) {
            if (error instanceof NoSuchKey) return undefined;
            throw error;
          }
        },
        write: async ({ key }, _fileName, content) => {
          await client.send(new PutObjectCommand({ ...at(key), Body: content }));
        },
        close: async () => {
          await clear(client, prefix);
          client.destroy();
        },
      };
    },
    TIMEOUT_MS,
  );
}

/** Objects and uploads below a prefix, page by page. */
async function clear(client: S3Client, prefix: string): Promise<void> {
  const below = { Bucket: bucket, Prefix: `${prefix}/` };
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, below)) {
    for (const { Key } of Contents) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    }
  }
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(below));
  for (const { Key, UploadId } of Uploads) {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  }
}
