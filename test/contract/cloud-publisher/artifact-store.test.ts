import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FolderStore } from '../../../cloud-publisher/storage/folder-store.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { checksum } from '../../support/emulated-aws/checksums.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { describeArtifactStore } from './artifact-store.contract.ts';
import type { Place } from './artifact-store.contract.ts';

describeArtifactStore('a folder', async () => {
  const folder = await PublisherFolder.create();
  const fileOf = ({ component, version }: Place, fileName: string) =>
    join(folder.path, 'artifacts', component, version, fileName);
  return {
    store: new FolderStore(folder.path),
    read: (place, fileName) => readFile(fileOf(place, fileName)).catch(() => undefined),
    write: async (place, fileName, content) => {
      await mkdir(dirname(fileOf(place, fileName)), { recursive: true });
      await writeFile(fileOf(place, fileName), content);
    },
    close: () => folder.close(),
  };
});

describeArtifactStore('S3', async () => {
  const aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  const idOf = ({ key }: Place) => `${BUCKET}/some/prefix/${key}`;
  return {
    store: new S3Store({
      client: openS3(REGION),
      bucket: BUCKET,
      prefix: 'some/prefix',
    }),
    read: async (place) => aws.s3.objects.get(idOf(place))?.data,
    write: async (place, _fileName, data) => {
      aws.s3.objects.set(idOf(place), {
        data,
        etag: '"other"',
        checksums: { crc64nvme: checksum('crc32', data) },
        checksumType: 'FULL_OBJECT',
        headers: {},
      });
    },
    close: () => aws.close(),
  };
});
