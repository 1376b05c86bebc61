import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { makeArtifact, unpackArtifact } from '../../support/artifact.ts';
import { BareRoot } from '../../support/bare-root.ts';
import { runOnBareRoot } from '../../support/run-on-bare-root.ts';

const TIMEOUT_MS = 900_000;
const isDeep = process.env['VEDETTE_DEEP'] === '1';
const [platform, arch] =
  process.arch === 'x64'
    ? (['linux/amd64', 'amd64'] as const)
    : (['linux/arm64', 'arm64'] as const);

/** Their packages are downloaded, and the media pack is compiled when it was not yet. */
describe.runIf(isDeep && BareRoot.isPossible())(
  'the artifact and its media pack on a system that holds nothing else, read-only, as a user without rights',
  { timeout: TIMEOUT_MS },
  () => {
    let folder = '';

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'vedette-on-bare-'));
      const place = async (kind: 'runtime' | 'media', name: string) =>
        unpackArtifact(await makeArtifact(platform, folder, kind), path.join(folder, name));
      await place('runtime', `vedette-linux-${arch}`);
      await place('media', `vedette-media-linux-${arch}`);
    }, TIMEOUT_MS);
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test.each([
      ['bullseye', '11, glibc 2.31'],
      ['bookworm', '12, glibc 2.36'],
    ])('run with the libraries of Debian %s (%s)', async (suite) => {
      const root = await BareRoot.ofDebian(suite);
      try {
        await runOnBareRoot(root, folder, arch);
      } finally {
        root.close();
      }
    });
  },
);
