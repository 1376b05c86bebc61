import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** S3 takes at most 10,000 parts, of at least 5 MiB but for the last. */
const MAX_PARTS = 10_000;
export const PART_BYTES = 16 * 1024 * 1024;
/** What is read and hashed in one go: other parts are sent between two of them. */
const READ_BYTES = 4 * 1024 * 1024;

/**
 * Size of the parts of a file: by its size alone, so that everybody cuts it alike and its
 * composite checksum can be compared.
 */
export const partBytesOf = (byteLength: number, partBytes: number): number =>
  Math.max(partBytes, Math.ceil(byteLength / MAX_PARTS));

/** A file cut into parts, read one at a time. */
export class PartedFile {
  readonly partCount: number;
  readonly #file: FileHandle;
  readonly #byteLength: number;
  readonly #partBytes: number;

  private constructor(file: FileHandle, byteLength: number, partBytes: number) {
    this.#file = file;
    this.#byteLength = byteLength;
    this.#partBytes = partBytesOf(byteLength, partBytes);
    this.partCount = Math.max(1, Math.ceil(byteLength / this.#partBytes));
  }

  static async open(path: string, byteLength: number, partBytes: number): Promise<PartedFile> {
    return new PartedFile(await open(path, 'r'), byteLength, partBytes);
  }

  /** Room for any of its parts: for whoever reads many, one after the other. */
  allocatePart(): Buffer {
    return Buffer.allocUnsafeSlow(Math.min(this.#partBytes, this.#byteLength));
  }

  /**
   * @param index from 0
   * @param room what it is read into
   */
  async read(
    index: number,
    room = this.allocatePart(),
  ): Promise<{ readonly bytes: Buffer; readonly sha256: Buffer }> {
    const start = index * this.#partBytes;
    const bytes = room.subarray(0, Math.min(this.#partBytes, this.#byteLength - start));
    const hash = createHash('sha256');
    for (let done = 0; done < bytes.length;) {
      const length = Math.min(READ_BYTES, bytes.length - done);
      const { bytesRead } = await this.#file.read(bytes, done, length, start + done);
      if (bytesRead === 0) throw new Error('the file was cut short while it was sent');
      // Here, not by Web Crypto, which copies the whole part first.
      hash.update(bytes.subarray(done, done + bytesRead));
      done += bytesRead;
    }
    return { bytes, sha256: hash.digest() };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The checksum that S3 gives an object of parts: of the parts' checksums, with their number. */
export const compositeChecksum = (parts: readonly Buffer[]): string =>
  `${createHash('sha256').update(Buffer.concat(parts)).digest('base64')}-${parts.length}`;
