import { expect, test } from 'vitest';
import { releaseOf } from '../../support/publisher-parts.ts';

const archive = (byteLength: number) => ({
  ...{ file: '/nowhere', fileName: 'model.zip', byteLength, sha256: 'a'.repeat(64), files: [] },
});

test('artifacts of more bytes than Greengrass takes are refused before anything is sent', () => {
  expect(releaseOf(archive(2_000_000_000)).artifacts).toHaveLength(1);
  expect(() => releaseOf(archive(2_147_483_649))).toThrow(
    expect.objectContaining({ code: 'ARTIFACT_TOO_LARGE' }),
  );
});
