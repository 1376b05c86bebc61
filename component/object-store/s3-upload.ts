import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  paginateListParts,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { inParallel } from './in-parallel.ts';
import { compositeChecksum } from './parted-file.ts';
import { PartReader } from './part-reader.ts';
import type { PartedFile } from './parted-file.ts';

export interface UploadTarget {
  readonly Bucket: string;
  readonly Key: string;
}

interface ArrivedPart {
  readonly checksum: string;
  readonly byteLength: number;
  readonly etag: string;
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
  readonly #arrived: ReadonlyMap<number, ArrivedPart>;

  private constructor(
    client: S3Client,
    target: UploadTarget,
    uploadId: string,
    arrived: ReadonlyMap<number, ArrivedPart>,
  ) {
    this.#client = client;
    this.#target = target;
    this.#uploadId = uploadId;
    this.#arrived = arrived;
  }

  /** Uploads of this object that were begun and not ended, by whatever process. */
  static async findOpen(client: S3Client, target: UploadTarget): Promise<S3Upload[]> {
    const uploads: S3Upload[] = [];
    for await (const uploadId of openUploadIds(client, target)) {
      const arrived = await arrivedParts(client, target, uploadId);
      if (arrived) uploads.push(new S3Upload(client, target, uploadId, arrived));
    }
    return uploads;
  }

  /** How many parts earlier processes sent. */
  get arrivedParts(): number {
    return this.#arrived.size;
  }

  static async begin(
    client: S3Client,
    target: UploadTarget,
    contentType: string,
    metadata: Readonly<Record<string, string>>,
    tagging: { readonly Tagging?: string },
  ): Promise<S3Upload> {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({
        ...target,
        ContentType: contentType,
        ChecksumAlgorithm: 'SHA256',
        Metadata: { ...metadata },
        ...tagging,
      }),
    );
    if (UploadId === undefined) throw new Error('CreateMultipartUpload gave no upload id');
    return new S3Upload(client, target, UploadId, new Map());
  }

  /** Parts of the file for `sendParts`, the first of which can be read before anything is begun. */
  static reader(file: PartedFile): PartReader {
    return new PartReader(file, PARTS_AT_ONCE);
  }

  /** Sends what has not arrived yet. @returns every part in order */
  async sendParts(
    partCount: number,
    reader: PartReader,
    onProgress: (sentBytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Part[]> {
    const parts: Part[] = [];
    let sentBytes = 0;
    await inParallel(partCount, PARTS_AT_ONCE, async (index) => {
      signal?.throwIfAborted();
      sentBytes += await reader.use(index, async ({ bytes, sha256 }) => {
        const there = this.#arrived.get(index + 1);
        const isThere =
          there?.checksum === sha256.toString('base64') && there.byteLength === bytes.length;
        const etag = isThere ? there.etag : await this.#sendPart(index + 1, bytes, sha256, signal);
        parts[index] = { sha256, etag };
        return bytes.length;
      });
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
    const command = new UploadPartCommand({
      ...this.#target,
      UploadId: this.#uploadId,
      PartNumber,
      Body: bytes,
      ContentLength: bytes.length,
      ChecksumSHA256: sha256.toString('base64'),
    });
    sendAtOnce(command, sha256);
    const { ETag } = await this.#client.send(command, abortSignal ? { abortSignal } : {});
    return ETag;
  }
}

/**
 * The signature covers the body's digest, which is known: the SDK would compute it once more. And the
 * SDK asks before each large body whether it may send it, on a connection of its own each time: that the
 * bucket takes this upload is known since it was begun.
 */
function sendAtOnce({ middlewareStack }: UploadPartCommand, sha256: Buffer): void {
  middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256.toString('hex');
      delete headers['Expect'];
      return next(args);
    },
    // Behind the SDK's own of this step.
    { step: 'build', priority: 'low', name: 'sendAtOnce' },
  );
}

export const isNoSuchUpload = (error: unknown): boolean =>
  (error as { name?: unknown }).name === 'NoSuchUpload';

/** S3 lists a thousand in a page, by key; keys that only begin so come after the key itself. */
async function* openUploadIds(
  client: S3Client,
  { Bucket, Key }: UploadTarget,
): AsyncGenerator<string> {
  let markers: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix: Key, ...markers }),
    );
    const uploads = page.Uploads ?? [];
    for (const { Key: key, UploadId } of uploads) {
      if (key === Key && UploadId !== undefined) yield UploadId;
    }
    const { NextKeyMarker, NextUploadIdMarker } = page;
    const isEnd = !page.IsTruncated || NextKeyMarker === undefined;
    if (isEnd || NextKeyMarker !== Key || NextUploadIdMarker === undefined) return;
    markers = { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker };
  }
}

/** By part number; `undefined` when the upload has ended meanwhile. */
async function arrivedParts(
  client: S3Client,
  target: UploadTarget,
  UploadId: string,
): Promise<Map<number, ArrivedPart> | undefined> {
  const arrived = new Map<number, ArrivedPart>();
  try {
    for await (const page of paginateListParts({ client }, { ...target, UploadId })) {
      for (const { PartNumber, ChecksumSHA256, Size, ETag } of page.Parts ?? []) {
        if (PartNumber === undefined || !ChecksumSHA256 || ETag === undefined) continue;
        arrived.set(PartNumber, { checksum: ChecksumSHA256, byteLength: Size ?? -1, etag: ETag });
      }
    }
  } catch (error) {
    if (isNoSuchUpload(error)) return undefined;
    throw error;
  }
  return arrived;
}
