import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackedArchive } from '../../cloud-publisher/package/packed-archive.ts';
import { componentRelease } from '../../cloud-publisher/publication/component-release.ts';
import type { ComponentRelease } from '../../cloud-publisher/publication/component-release.ts';

/** Archives and folders for one test file, removed with `close`. */
export class PublisherFolder {
  readonly path: string;
  #count = 0;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<PublisherFolder> {
    return new PublisherFolder(await mkdtemp(join(tmpdir(), 'vedette-publisher-')));
  }

  /** A folder's path that nothing is at. */
  fresh(): string {
    this.#count += 1;
    return join(this.path, `place-${this.#count}`);
  }

  /** What stores take for an archive: they look at its bytes and its digest only. */
  async archive(content: Uint8Array, fileName = 'model-1.0.0.zip'): Promise<PackedArchive> {
    const file = this.fresh();
    await writeFile(file, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { file, fileName, byteLength: content.byteLength, sha256, files: [] };
  }

  async close(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A component of one archive. */
export const releaseOf = (
  archive: PackedArchive,
  version = '1.0.0',
  component = 'io.vedette.model.parts',
): ComponentRelease =>
  componentRelease({
    profile: 'vedette',
    component,
    version,
    artifacts: [
      { archive, key: `components/${component}/${version}/${archive.sha256}/${archive.fileName}` },
    ],
    tags: { 'vedette:model': 'parts' },
    render: (uris) => ({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: component,
      ComponentVersion: version,
      ComponentType: 'aws.greengrass.generic',
      Manifests: [
        {
          Platform: { os: 'linux' },
          Lifecycle: { run: 'true' },
          Artifacts: [{ Uri: uris.get(archive.sha256) }],
        },
      ],
    }),
  });
