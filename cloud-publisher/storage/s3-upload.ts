import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  paginateListParts,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { inParallel } from './in-parallel.ts';
import { compositeChecksum } from './parted-file.ts';
import type { PartedFile } from './parted-file.ts';

/** A multipart upload as it is remembered over the end of the process. */
export interface UploadNote {
  readonly uploadId: string;
  readonly sha256: string;
  readonly partBytes: number;
}

export interface UploadBook {
  upload(place: string): Promise<UploadNote | undefined>;
  /** `undefined` forgets it. */
  setUpload(place: string, upload: UploadNote | undefined): Promise<void>;
}

export interface UploadTarget {
  readonly Bucket: string;
  readonly Key: string;
}

interface Part {
  readonly sha256: Buffer;
  readonly etag: string | undefined;
}

const PARTS_AT_ONCE = 4;

/** One object going up in parts. Errors are the SDK's own. */
export class S3Upload {
  readonly #client: S3Client;
  readonly #target: UploadTarget;
  readonly #uploadId: string;
  /** By part number: parts that an earlier process sent. */
  readonly #arrived: ReadonlyMap<number, { checksum: string; byteLength: number; etag: string }>;

  private constructor(
    client: S3Client,
    target: UploadTarget,
    uploadId: string,
    arrived: S3Upload['arrived'],
  ) {
    this.#client = client;
    this.#target = target;
    this.#uploadId = uploadId;
    this.#arrived = arrived;
  }

  get arrived(): ReadonlyMap<number, { checksum: string; byteLength: number; etag: string }> {
    return this.#arrived;
  }

  get uploadId(): string {
    return this.#uploadId;
  }

  /** Goes on with an upload, if it is still there. */
  static async resume(
    client: S3Client,
    target: UploadTarget,
    uploadId: string,
  ): Promise<S3Upload | undefined> {
    const arrived = new Map<number, { checksum: string; byteLength: number; etag: string }>();
    try {
      for await (const page of paginateListParts({ client }, { ...target, UploadId: uploadId })) {
        for (const { PartNumber, ChecksumSHA256, Size, ETag } of page.Parts ?? []) {
          if (PartNumber === undefined || !ChecksumSHA256 || ETag === undefined) continue;
          arrived.set(PartNumber, {
            checksum: ChecksumSHA256,
            byteLength: Size ?? -1,
            etag: ETag,
          });
        }
      }
    } catch (error) {
      if (isNoSuchUpload(error)) return undefined;
      throw error;
    }
    return new S3Upload(client, target, uploadId, arrived);
  }

  static async begin(
    client: S3Client,
    target: UploadTarget,
    metadata: Readonly<Record<string, string>>,
  ): Promise<S3Upload> {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({
        ...target,
        ContentType: 'application/zip',
        ChecksumAlgorithm: 'SHA256',
        Metadata: { ...metadata },
      }),
    );
    if (UploadId === undefined) throw new Error('CreateMultipartUpload gave no upload id');
    return new S3Upload(client, target, UploadId, new Map());
  }

  /** Sends what has not arrived yet. @returns every part in order */
  async sendParts(
    file: PartedFile,
    onProgress: (sentBytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Part[]> {
    const parts: Part[] = [];
    let sentBytes = 0;
    await inParallel(file.partCount, PARTS_AT_ONCE, async (index) => {
      signal?.throwIfAborted();
      const { bytes, sha256 } = await file.read(index);
      const there = this.#arrived.get(index + 1);
      const isThere =
        there?.checksum === sha256.toString('base64') && there.byteLength === bytes.length;
      const etag = isThere ? there.etag : await this.#sendPart(index + 1, bytes, sha256, signal);
      parts[index] = { sha256, etag };
      sentBytes += bytes.length;
      onProgress(sentBytes);
    });
    return parts;
  }

  /** Makes the object of the parts, if there is none yet. @returns its checksum as S3 gives it, and as it must be */
  async complete(parts: readonly Part[]): Promise<{ found: string | undefined; expected: string }> {
    const { ChecksumSHA256 } = await this.#client.send(
      new CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: this.#uploadId,
        IfNoneMatch: '*',
        MultipartUpload: {
          Parts: parts.map(({ sha256, etag }, index) => ({
            PartNumber: index + 1,
            ChecksumSHA256: sha256.toString('base64'),
            ...(etag === undefined ? {} : { ETag: etag }),
          })),
        },
      }),
    );
    return {
      found: ChecksumSHA256,
      expected: compositeChecksum(parts.map(({ sha256 }) => sha256)),
    };
  }

  /** Parts that nobody will make an object of cost money until this. */
  async abort(): Promise<void> {
    try {
      const input = { ...this.#target, UploadId: this.#uploadId };
      await this.#client.send(new AbortMultipartUploadCommand(input));
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error;
    }
  }

  async #sendPart(
    PartNumber: number,
    bytes: Buffer,
    sha256: Buffer,
    abortSignal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { ETag } = await this.#client.send(
      new UploadPartCommand({
        ...this.#target,
        UploadId: this.#uploadId,
        PartNumber,
        Body: bytes,
        ContentLength: bytes.length,
        ChecksumSHA256: sha256.toString('base64'),
      }),
      abortSignal ? { abortSignal } : {},
    );
    return ETag;
  }
}

export const isNoSuchUpload = (error: unknown): boolean =>
  (error as { name?: unknown }).name === 'NoSuchUpload';
