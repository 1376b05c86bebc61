import { join } from 'node:path';
import type { PackedArchive } from '../package/packed-archive.ts';
import { placeFile } from '../package/place-archive.ts';
import type { ArtifactPlace, ArtifactStore, StoredArtifact } from './artifact-store.ts';

/**
 * Artifacts in a folder as `greengrass-cli deployment create --artifactDir` takes it:
 * `<folder>/artifacts/<component>/<version>/<file>`. The recipe's address is the placeholder of GDK,
 * which a local deployment replaces by the file of that name.
 */
export class FolderStore implements ArtifactStore {
  readonly description: string;

  constructor(folder: string) {
    this.description = folder;
  }

  uriOf({ fileName }: PackedArchive): string {
    return `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${fileName}`;
  }

  plan(archive: PackedArchive, place: ArtifactPlace): string[] {
    return [`write ${this.#file(archive, place)} (${archive.byteLength} bytes)`];
  }

  async put(archive: PackedArchive, place: ArtifactPlace): Promise<StoredArtifact> {
    const { isNew } = await placeFile(archive, this.#file(archive, place));
    return { uri: this.uriOf(archive), isNew };
  }

  close(): void {
    // Nothing is held open.
  }

  #file({ fileName }: PackedArchive, { component, version }: ArtifactPlace): string {
    return join(this.description, 'artifacts', component, version, fileName);
  }
}
