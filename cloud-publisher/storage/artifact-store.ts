import type { PackedArchive } from '../package/packed-archive.ts';

export interface ArtifactPlace {
  readonly component: string;
  readonly version: string;
  /** Below a bucket's prefix. */
  readonly key: string;
}

export interface StoredArtifact {
  /** As it stands in the recipe. */
  readonly uri: string;
  /** False when the same file was there already. */
  readonly isNew: boolean;
}

export interface PutOptions {
  readonly onProgress?: (sentBytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Where artifacts are kept for devices: never overwritten, verified by digest. */
export interface ArtifactStore {
  /** For people and records: `s3://bucket/prefix` or a folder's path. */
  readonly description: string;
  /** Where an artifact would lie, without asking. */
  uriOf(archive: PackedArchive, place: ArtifactPlace): string;
  /** Calls that `put` would make, one a line, without making them. */
  plan(archive: PackedArchive, place: ArtifactPlace): readonly string[];
  /**
   * Safe to repeat, also by two publishers at once.
   * @throws VedetteError ARTIFACT_CONFLICT, ARTIFACT_CORRUPT, and what the place refuses
   */
  put(archive: PackedArchive, place: ArtifactPlace, options?: PutOptions): Promise<StoredArtifact>;
  close(): void;
}
