import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { FolderGateway } from '../../../cloud-publisher/greengrass/folder-gateway.ts';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import { FolderStore } from '../../../cloud-publisher/storage/folder-store.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { describeComponentGateway } from './component-gateway.contract.ts';

describeComponentGateway('a folder', async () => {
  const folder = await PublisherFolder.create();
  return {
    gateway: new FolderGateway(folder.path),
    store: new FolderStore(folder.path),
    close: () => folder.close(),
  };
});

describeComponentGateway('Greengrass', async () => {
  const aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  return {
    gateway: new GreengrassGateway(openGreengrass(REGION), await findAccount(undefined)),
    store: new S3Store({
      client: openS3(REGION),
      bucket: BUCKET,
      prefix: '',
    }),
    close: () => aws.close(),
  };
});
