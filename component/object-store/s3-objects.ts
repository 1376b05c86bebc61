import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { VedetteError } from '../contract/errors.ts';
import { awsFault } from './aws-fault.ts';
import type { ObjectStore, PutOptions, SourceFile } from './object-store.ts';
import type { PartReader } from './part-reader.ts';
import { PART_BYTES, PartedFile, compositeChecksum, partBytesOf } from './parted-file.ts';
import { unlessAbsent, unlessOtherIsThere, unlessRefused } from './s3-refusals.ts';
import { S3Upload, isNoSuchUpload } from './s3-upload.ts';

export interface S3ObjectsOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Files that are larger go in parts of so many bytes; at least 5 MiB. */
  readonly partBytes?: number;
}

/** Every action that this needs, as policies write them. */
export const S3_ACTIONS = [
  's3:PutObject',
  's3:GetObject',
  's3:AbortMultipartUpload',
  's3:ListBucketMultipartUploads',
  's3:ListMultipartUploadParts',
] as const;
export type S3Action = (typeof S3_ACTIONS)[number];

/** Two of one object at once: whoever is refused looks at what the other put there. */
const MAX_ROUNDS = 4;
const ROUND_PAUSE_MS = 500;

/** @param region AWS_REGION or the profile's when absent */
export const openS3 = (
  region: string | undefined,
  credentials?: NonNullable<S3ClientConfig['credentials']>,
): S3Client =>
  new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(credentials ? { credentials } : {}),
    maxAttempts: 6,
    // Checksums are given with each call: the SDK need not compute another one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  });

/**
 * Objects in a bucket, under keys that hold their digest. Small ones go in one call, larger ones
 * in parallel parts, resumed after a crash; S3 checks every byte by SHA-256 as it arrives, and the
 * object appears only where there is none.
 */
export class S3Objects implements ObjectStore {
  readonly description: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #partBytes: number;

  constructor({ client, bucket, prefix, partBytes = PART_BYTES }: S3ObjectsOptions) {
    this.#client = client;
    this.#partBytes = partBytes;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.description = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  }

  addressOf(key: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`;
  }

  /** How many parts a file of this size goes in; 1: in one call. */
  partsOf(byteLength: number): number {
    if (byteLength <= this.#partBytes) return 1;
    return Math.ceil(byteLength / partBytesOf(byteLength, this.#partBytes));
  }

  async putFile(source: SourceFile, placeKey: string, options: PutOptions = {}): Promise<boolean> {
    const key = this.#prefix + placeKey;
    const isLarge = this.partsOf(source.byteLength) > 1;
    const file = await PartedFile.open(source.file, source.byteLength, this.#partBytes);
    try {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        options.signal?.throwIfAborted();
        if (round > 1) await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
        if ((round > 0 || isLarge) && (await this.#isThere(key, source, file, round === 0))) {
          if (isLarge) await this.#endUploads(key);
          return false;
        }
        const isPut = await (isLarge
          ? this.#putParts(key, source, file, options)
          : this.#putWhole(key, source, file));
        if (isPut) return true;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      await file.close();
    }
    throw new VedetteError(
      'AWS_UNAVAILABLE',
      `${this.addressOf(placeKey)}: another upload of the same object was under way ${MAX_ROUNDS} times`,
    );
  }

  async replace(placeKey: string, bytes: Uint8Array, contentType: string): Promise<void> {
    const key = this.#prefix + placeKey;
    const sha256 = createHash('sha256').update(bytes).digest();
    await this.#call('s3:PutObject', key, () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          ContentLength: bytes.length,
          ContentType: contentType,
          ChecksumSHA256: sha256.toString('base64'),
        }),
      ),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  /** @returns false when there is an object already, or one is being put there */
  async #putWhole(key: string, source: SourceFile, file: PartedFile): Promise<boolean> {
    const { bytes, sha256 } = await file.read(0);
    if (sha256.toString('hex') !== source.sha256) throw changed(source);
    const checksum = sha256.toString('base64');
    const output = await this.#call('s3:PutObject', key, () =>
      this.#client
        .send(
          new PutObjectCommand({
            Bucket: this.#bucket,
            Key: key,
            Body: bytes,
            ContentLength: bytes.length,
            ContentType: source.contentType,
            ChecksumSHA256: checksum,
            IfNoneMatch: '*',
            ...tagging(source),
            Metadata: { sha256: source.sha256 },
          }),
        )
        .catch(unlessOtherIsThere),
    );
    if (!output) return false;
    await this.#requireArrived(key, source, file, output.ChecksumSHA256, checksum);
    return true;
  }

  async #putParts(
    key: string,
    source: SourceFile,
    file: PartedFile,
    options: PutOptions,
  ): Promise<boolean> {
    // It reads the first part while S3 is asked for the upload.
    const reader = S3Upload.reader(file);
    try {
      const { upload, isBegunBefore } = await this.#openUpload(key, source);
      const checksums = await this.#sendParts(key, upload, file.partCount, reader, options);
      if (!checksums) return false;
      await this.#requireArrived(key, source, file, checksums.found, checksums.expected);
      if (isBegunBefore) await this.#completeTags(key, source);
      return true;
    } finally {
      await reader.close();
    }
  }

  /** @returns nothing when another publisher ended the upload, or put the object there */
  #sendParts(
    key: string,
    upload: S3Upload,
    partCount: number,
    reader: PartReader,
    { onProgress = () => undefined, signal }: PutOptions,
  ) {
    return this.#call('s3:PutObject', key, async () => {
      try {
        return await upload.complete(await upload.sendParts(partCount, reader, onProgress, signal));
      } catch (error) {
        if (isNoSuchUpload(error)) return undefined;
        return unlessOtherIsThere(error);
      }
    });
  }

  /** An upload has the tags with which it was begun, and does not say which: an older version gave none. */
  async #completeTags(key: string, { tags = {} }: SourceFile): Promise<void> {
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    if (TagSet.length === 0) return;
    const target = { Bucket: this.#bucket, Key: key };
    await this.#call('s3:PutObject', key, () =>
      this.#client.send(
        new PutObjectTaggingCommand({
          ...target,
          ChecksumAlgorithm: 'SHA256',
          Tagging: { TagSet },
        }),
      ),
    );
  }

  /**
   * One that was interrupted is gone on with, of several that of which most arrived: the key holds the
   * digest, so that it is of the same bytes.
   */
  async #openUpload(
    key: string,
    source: SourceFile,
  ): Promise<{ readonly upload: S3Upload; readonly isBegunBefore: boolean }> {
    const target = { Bucket: this.#bucket, Key: key };
    const uploads = await this.#openUploads(key);
    const [open] = uploads.toSorted((a, b) => b.arrivedParts - a.arrivedParts);
    if (open) return { upload: open, isBegunBefore: true };
    const upload = await this.#call('s3:PutObject', key, () =>
      S3Upload.begin(
        this.#client,
        target,
        source.contentType,
        { sha256: source.sha256 },
        tagging(source),
      ),
    );
    return { upload, isBegunBefore: false };
  }

  /** The object is there: what was begun of it is taken back. */
  async #endUploads(key: string): Promise<void> {
    for (const upload of await this.#openUploads(key)) {
      await this.#call('s3:AbortMultipartUpload', key, () => upload.abort());
    }
  }

  async #openUploads(key: string): Promise<S3Upload[]> {
    try {
      return await S3Upload.findOpen(this.#client, { Bucket: this.#bucket, Key: key });
    } catch (error) {
      const action = 's3:ListBucketMultipartUploads';
      throw awsFault(error, { action, resource: `arn:aws:s3:::${this.#bucket}` });
    }
  }

  /**
   * Whether the object is there with the source's content.
   * @throws VedetteError ARTIFACT_CONFLICT when it has another one
   */
  async #isThere(
    key: string,
    source: SourceFile,
    file: PartedFile,
    isFirstCall: boolean,
  ): Promise<boolean> {
    const head = await this.#call('s3:GetObject', key, () =>
      this.#client
        .send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }))
        .catch(isFirstCall ? unlessRefused : unlessAbsent),
    );
    if (!head) return false;
    const isSame =
      head.ContentLength === source.byteLength &&
      (await this.#hasChecksum(key, source, file, head.ChecksumSHA256));
    if (isSame) return true;
    throw new VedetteError(
      'ARTIFACT_CONFLICT',
      `s3://${this.#bucket}/${key} is there already, with other content; it was left as it is`,
      { details: { bucket: this.#bucket, key, sha256: source.sha256 } },
    );
  }

  async #hasChecksum(
    key: string,
    source: SourceFile,
    file: PartedFile,
    found: string | undefined,
  ): Promise<boolean> {
    const whole = Buffer.from(source.sha256, 'hex').toString('base64');
    if (found === whole) return true;
    if (found?.endsWith(`-${file.partCount}`)) {
      const sums: Buffer[] = [];
      for (let index = 0; index < file.partCount; index += 1) {
        sums.push((await file.read(index)).sha256);
      }
      if (found === compositeChecksum(sums)) return true;
    }
    // Put there by other means, without this checksum: only its bytes can tell.
    return (await this.#readSha256(key)) === source.sha256;
  }

  async #readSha256(key: string): Promise<string> {
    return this.#call('s3:GetObject', key, async () => {
      const input = { Bucket: this.#bucket, Key: key };
      const { Body } = await this.#client.send(new GetObjectCommand(input));
      const hash = createHash('sha256');
      for await (const chunk of Body as Readable) hash.update(chunk as Buffer);
      return hash.digest('hex');
    });
  }

  /** @throws VedetteError ARTIFACT_CORRUPT */
  async #requireArrived(
    key: string,
    source: SourceFile,
    file: PartedFile,
    found: string | undefined,
    expected: string,
  ): Promise<void> {
    if (found === expected) return;
    if (found === undefined && (await this.#hasChecksum(key, source, file, undefined))) return;
    throw new VedetteError(
      'ARTIFACT_CORRUPT',
      `s3://${this.#bucket}/${key} arrived with the checksum ${found ?? 'of other bytes'}, expected ${expected}`,
    );
  }

  async #call<T>(action: S3Action, key: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw awsFault(error, { action, resource: `arn:aws:s3:::${this.#bucket}/${key}` });
    }
  }
}

/** As the header x-amz-tagging wants it. */
const tagging = ({ tags = {} }: SourceFile): { readonly Tagging?: string } =>
  Object.keys(tags).length === 0 ? {} : { Tagging: new URLSearchParams(tags).toString() };

const changed = ({ fileName }: SourceFile): VedetteError =>
  new VedetteError('ARTIFACT_CORRUPT', `${fileName} is not what it was when its digest was taken`);
