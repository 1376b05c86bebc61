import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, it } from 'vitest';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { describeComponentGateway } from './component-gateway.contract.ts';

/**
 * The suite of the emulated services against real ones: `npm run try:aws`, with credentials, AWS_REGION
 * and a bucket in VEDETTE_TRY_BUCKET. It deletes what it made, below this prefix.
 */
const bucket = process.env['VEDETTE_TRY_BUCKET'];
const isTried = process.env['VEDETTE_TRY_AWS'] === '1';
const PREFIX = 'vedette-try';
const COMPONENT = 'io.vedette.model.parts';

if (!isTried || bucket === undefined) {
  describe('components in a real AWS account', () => {
    it.skip('not tried: `npm run try:aws` needs credentials, AWS_REGION and VEDETTE_TRY_BUCKET', () => {
      // Nothing was called.
    });
  });
} else {
  describeComponentGateway('a real AWS account', async () => {
    const account = await findAccount(undefined);
    const gateway = new GreengrassGateway(openGreengrass(account.region), account);
    const client = openS3(account.region);
    const clear = async () => {
      for (const version of await gateway.versions(COMPONENT)) {
        await gateway.remove(COMPONENT, version);
      }
      const listed = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: `${PREFIX}/` }),
      );
      const Objects = (listed.Contents ?? []).flatMap(({ Key }) => (Key ? [{ Key }] : []));
      if (Objects.length === 0) return;
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    };
    await clear();
    const store = new S3Store({ client: openS3(account.region), bucket, prefix: PREFIX });
    return {
      gateway: new GreengrassGateway(openGreengrass(account.region), account),
      store,
      close: async () => {
        await clear();
        gateway.close();
        client.destroy();
      },
    };
  });
}
