import path from 'node:path';
import { unpackArtifact } from './artifact.ts';

/** Before all tests: unpacks the artifact that the run was given, so that components are run from it. */
export default async function unpackForRun(): Promise<void> {
  const zip = process.env['VEDETTE_TEST_ZIP'];
  if (zip === undefined) return;
  const folder = path.join(path.dirname(zip), 'unpacked');
  await unpackArtifact(zip, folder);
  process.env['VEDETTE_TEST_PROGRAM'] = path.join(folder, 'bin/vedette');
}
