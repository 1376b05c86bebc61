/** A file on the disk that is to be put somewhere as it is. */
export interface SourceFile {
  readonly file: string;
  /** What messages call it. */
  readonly fileName: string;
  readonly byteLength: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  /** Of the object, where the store knows tags: ten at most. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface PutOptions {
  readonly onProgress?: (sentBytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A place for objects by key: a bucket or a folder. */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix` or a folder's path. */
  readonly description: string;
  addressOf(key: string): string;
  /**
   * Puts a file where nothing is, verified by digest; what an earlier process sent of it is gone on
   * with. Safe to repeat, also by two at once. @returns false when the same was there already
   * @throws VedetteError ARTIFACT_CONFLICT when something else is there, ARTIFACT_CORRUPT, AWS_*,
   * ARTIFACT_STORE_UNAVAILABLE, STORAGE_FULL
   */
  putFile(source: SourceFile, key: string, options?: PutOptions): Promise<boolean>;
  /**
   * Puts a few bytes, in place of what is there. Either the old or the new is there afterwards.
   * @throws VedetteError as `putFile`
   */
  replace(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  close(): void;
}
