import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** An artifact that is published, by its address in a recipe. */
export interface PublishedArtifact {
  readonly component: string;
  readonly version: string;
  readonly uri: string;
  readonly fileName: string;
}

/** Where published artifacts are read from. */
export interface ArtifactSource {
  /** Rejects, or the stream errors, as the file system or AWS says. */
  read(artifact: PublishedArtifact): Promise<Readable>;
  close(): void;
}

export class FolderSource implements ArtifactSource {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read({ component, version, fileName }: PublishedArtifact): Promise<Readable> {
    const file = join(this.#folder, 'artifacts', component, version, fileName);
    return Promise.resolve(createReadStream(file));
  }

  close(): void {
    // Nothing is held open.
  }
}
