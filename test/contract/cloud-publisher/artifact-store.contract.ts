import { randomBytes } from 'node:crypto';
import { appendFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../../cloud-publisher/storage/artifact-store.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';

export interface StoreUnderTest {
  readonly store: ArtifactStore;
  /** What lies at a place; `undefined` for nothing. */
  readonly read: (place: Place, fileName: string) => Promise<Buffer | undefined>;
  readonly write: (place: Place, fileName: string, content: Buffer) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface Place {
  readonly component: string;
  readonly version: string;
  readonly key: string;
}

/** What every store of artifacts does, whatever is behind it. */
export function describeArtifactStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  timeoutMs = 60_000,
): void {
  describe(`artifacts in ${name}`, { timeout: timeoutMs }, () => {
    let folder: PublisherFolder;
    let tested: StoreUnderTest;
    let count = 0;
    beforeAll(async () => {
      folder = await PublisherFolder.create();
      tested = await open();
    });
    afterAll(async () => {
      tested.store.close();
      await tested.close();
      await folder.close();
    });
    const freshPlace = (): Place => {
      count += 1;
      return {
        component: 'io.vedette.model.parts',
        version: `${count}.0.0`,
        key: `k/${count}/model-1.0.0.zip`,
      };
    };

    it.each([
      ['a small one', 1000],
      ['an empty one', 0],
      ['one of several parts', 40_000_001],
    ])('keep every byte of %s, once: a second put finds it there', async (_what, byteLength) => {
      const archive = await folder.archive(randomBytes(byteLength));
      const place = freshPlace();
      const first = await tested.store.put(archive, place);
      expect(first).toEqual({ uri: tested.store.uriOf(archive, place), isNew: true });
      const kept = await tested.read(place, archive.fileName);
      const { readFile } = await import('node:fs/promises');
      expect(kept?.equals(await readFile(archive.file))).toBe(true);
      expect(await tested.store.put(archive, place)).toEqual({ ...first, isNew: false });
    });

    it.each([
      ['small', 2000],
      ['large', 20_000_000],
    ])('never overwrite what somebody else put there (%s)', async (_what, byteLength) => {
      const archive = await folder.archive(randomBytes(byteLength));
      const place = freshPlace();
      const other = randomBytes(byteLength);
      await tested.write(place, archive.fileName, other);
      await expect(tested.store.put(archive, place)).rejects.toMatchObject({
        code: 'ARTIFACT_CONFLICT',
      });
      expect((await tested.read(place, archive.fileName))?.equals(other)).toBe(true);
    });

    it.each([
      ['small', 3000],
      ['large', 36_000_000],
    ])('may be put by several publishers at once (%s)', async (_what, byteLength) => {
      const archive = await folder.archive(randomBytes(byteLength));
      const place = freshPlace();
      const puts = await Promise.all([1, 2, 3].map(() => tested.store.put(archive, place)));
      expect(new Set(puts.map(({ uri }) => uri)).size).toBe(1);
      expect(puts.filter(({ isNew }) => isNew).length).toBeGreaterThanOrEqual(1);
      expect((await tested.read(place, archive.fileName))?.length).toBe(byteLength);
    });

    it('are refused when the archive is not what was packed any more, and nothing is left', async () => {
      const archive = await folder.archive(randomBytes(5000));
      await appendFile(archive.file, 'x');
      const place = freshPlace();
      const changed = { ...archive, byteLength: archive.byteLength + 1 };
      await expect(tested.store.put(changed, place)).rejects.toMatchObject({
        code: 'ARTIFACT_CORRUPT',
      });
      expect(await tested.read(place, archive.fileName)).toBeUndefined();
    });

    it('say what a put would do without doing it', async () => {
      const archive = await folder.archive(randomBytes(100));
      const place = freshPlace();
      const calls = tested.store.plan(archive, place);
      expect(calls.join('\n')).toContain('100 bytes');
      expect(await tested.read(place, archive.fileName)).toBeUndefined();
      expect(await readdir(dirname(archive.file))).not.toContain('.part');
    });
  });
}
