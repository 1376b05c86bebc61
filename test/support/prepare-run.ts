import path from 'node:path';
import { unpackArtifact } from './artifact.ts';
import { bundlePublisher } from './bundled-publisher.ts';

/**
 * Before all tests of a whole run: unpacks the artifact that it was given and bundles the publisher, so
 * that what ships is tested, which also starts in half the time.
 */
export default async function prepareRun(): Promise<void> {
  const zip = process.env['VEDETTE_TEST_ZIP'];
  if (zip === undefined) return;
  const folder = path.join(path.dirname(zip), 'unpacked');
  await unpackArtifact(zip, folder);
  process.env['VEDETTE_TEST_PROGRAM'] = path.join(folder, 'bin/vedette');
  process.env['VEDETTE_TEST_PUBLISHER'] = await bundlePublisher(
    path.join(path.dirname(zip), 'publisher'),
  );
}
