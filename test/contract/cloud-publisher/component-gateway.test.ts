import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publishComponent } from '../../../cloud-publisher/publication/publish-component.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { FolderGateway } from '../../../cloud-publisher/greengrass/folder-gateway.ts';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import { FolderStore } from '../../../cloud-publisher/storage/folder-store.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder, releaseOf } from '../../support/publisher-parts.ts';
import { describeComponentGateway } from './component-gateway.contract.ts';

describeComponentGateway('a folder', async () => {
  const folder = await PublisherFolder.create();
  return {
    gateway: new FolderGateway(folder.path),
    store: new FolderStore(folder.path),
    close: () => folder.close(),
  };
});

test('a version in a folder whose publisher was killed before its tags gets them when it is published again, and old parts go', async () => {
  const folder = await PublisherFolder.create();
  const book = await PublisherRecords.open(folder.fresh());
  const target = folder.fresh();
  const doors = { gateway: new FolderGateway(target), store: new FolderStore(target), book };
  const release = releaseOf(await folder.archive(Buffer.from('content')));
  await publishComponent(release, doors);
  const tags = join(target, 'tags', `${release.component}-${release.version}.json`);
  const written = await readFile(tags, 'utf8');
  await rm(tags);
  const artifact = join(target, 'artifacts', release.component, '1.0.0', 'model-1.0.0.zip');
  const left = [`${artifact}.${randomUUID()}.part`, join(target, 'tags', `.${randomUUID()}.part`)];
  const others = [`${artifact}.${randomUUID()}.part`, join(target, 'tags', 'mine.part')];
  for (const file of [...left, ...others]) await writeFile(file, '');
  for (const file of [...left, others[1]!]) await utimes(file, 0, 0);
  await publishComponent(release, doors);
  expect(await readFile(tags, 'utf8')).toBe(written);
  await doors.store.put(release.artifacts[0]!.archive, { ...release, key: '' });
  for (const file of left) await expect(stat(file), file).rejects.toThrow('ENOENT');
  for (const file of others) expect((await stat(file)).size).toBe(0);
  await book.close();
  await folder.close();
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
