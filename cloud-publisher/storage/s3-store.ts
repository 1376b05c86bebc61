import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { VedetteError } from '../../component/contract/errors.ts';
import { awsFault } from '../aws/aws-fault.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import type { ArtifactPlace, ArtifactStore, PutOptions, StoredArtifact } from './artifact-store.ts';
import { PartedFile, compositeChecksum, isInParts, partBytesOf } from './parted-file.ts';
import { S3Upload, isNoSuchUpload } from './s3-upload.ts';
import type { UploadBook } from './s3-upload.ts';

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly uploads: UploadBook;
}

/** Two publishers of one artifact: whoever is refused looks at what the other put there. */
const MAX_ROUNDS = 4;
const ROUND_PAUSE_MS = 500;
const OTHER_IS_THERE = /^(PreconditionFailed|ConditionalRequestConflict)$/;

/** @param region AWS_REGION or the profile's when absent */
export const openS3 = (region: string | undefined): S3Client =>
  new S3Client({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 6,
    // Checksums are given with each call: the SDK need not compute another one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  });

/**
 * Artifacts in a bucket, under keys that hold their digest. Small ones go in one call, larger ones
 * in parallel parts, resumed after a crash; S3 checks every byte by SHA-256 as it arrives, and the
 * object appears only where there is none.
 */
export class S3Store implements ArtifactStore {
  readonly description: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #uploads: UploadBook;

  constructor({ client, bucket, prefix, uploads }: S3StoreOptions) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#uploads = uploads;
    this.description = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  }

  uriOf(_archive: PackedArchive, { key }: ArtifactPlace): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`;
  }

  plan(archive: PackedArchive, place: ArtifactPlace): string[] {
    const target = `${this.uriOf(archive, place)} (${archive.byteLength} bytes)`;
    if (!isInParts(archive.byteLength)) return [`s3:PutObject ${target}, if none is there`];
    const parts = Math.ceil(archive.byteLength / partBytesOf(archive.byteLength));
    return [
      `s3:HeadObject ${target}`,
      's3:CreateMultipartUpload',
      `s3:UploadPart, ${parts} times`,
      's3:CompleteMultipartUpload, if none is there',
    ];
  }

  async put(
    archive: PackedArchive,
    place: ArtifactPlace,
    options: PutOptions = {},
  ): Promise<StoredArtifact> {
    const key = this.#prefix + place.key;
    const uri = this.uriOf(archive, place);
    const isLarge = isInParts(archive.byteLength);
    const file = await PartedFile.open(archive.file, archive.byteLength);
    try {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        options.signal?.throwIfAborted();
        if (round > 1) await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
        if ((round > 0 || isLarge) && (await this.#isThere(key, archive, file))) {
          await this.#endUpload(key);
          return { uri, isNew: false };
        }
        const isPut = await (isLarge
          ? this.#putParts(key, archive, file, options)
          : this.#putWhole(key, archive, file));
        if (isPut) return { uri, isNew: true };
      }
    } finally {
      await file.close();
    }
    throw new VedetteError(
      'AWS_UNAVAILABLE',
      `${uri}: another upload of the same object was under way ${MAX_ROUNDS} times`,
    );
  }

  close(): void {
    this.#client.destroy();
  }

  /** @returns false when there is an object already, or one is being put there */
  async #putWhole(key: string, archive: PackedArchive, file: PartedFile): Promise<boolean> {
    const { bytes, sha256 } = await file.read(0);
    if (sha256.toString('hex') !== archive.sha256) throw changed(archive);
    const checksum = sha256.toString('base64');
    const output = await this.#call('s3:PutObject', key, () =>
      this.#client
        .send(
          new PutObjectCommand({
            Bucket: this.#bucket,
            Key: key,
            Body: bytes,
            ContentLength: bytes.length,
            ContentType: 'application/zip',
            ChecksumSHA256: checksum,
            IfNoneMatch: '*',
            Metadata: { sha256: archive.sha256 },
          }),
        )
        .catch(unlessOtherIsThere),
    );
    if (!output) return false;
    await this.#requireArrived(key, archive, file, output.ChecksumSHA256, checksum);
    return true;
  }

  async #putParts(
    key: string,
    archive: PackedArchive,
    file: PartedFile,
    { onProgress = () => undefined, signal }: PutOptions,
  ): Promise<boolean> {
    const upload = await this.#openUpload(key, archive);
    const checksums = await this.#call('s3:PutObject', key, async () => {
      try {
        return await upload.complete(await upload.sendParts(file, onProgress, signal));
      } catch (error) {
        // Another publisher went on with the same upload and ended it.
        if (isNoSuchUpload(error)) return undefined;
        return unlessOtherIsThere(error);
      }
    });
    if (!checksums) {
      await this.#endUpload(key);
      return false;
    }
    await this.#uploads.setUpload(this.#placeOf(key), undefined);
    await this.#requireArrived(key, archive, file, checksums.found, checksums.expected);
    return true;
  }

  async #openUpload(key: string, archive: PackedArchive): Promise<S3Upload> {
    const target = { Bucket: this.#bucket, Key: key };
    const partBytes = partBytesOf(archive.byteLength);
    const known = await this.#uploads.upload(this.#placeOf(key));
    if (known?.sha256 === archive.sha256 && known.partBytes === partBytes) {
      const resumed = await this.#call('s3:ListMultipartUploadParts', key, () =>
        S3Upload.resume(this.#client, target, known.uploadId),
      );
      if (resumed) return resumed;
    }
    const upload = await this.#call('s3:PutObject', key, () =>
      S3Upload.begin(this.#client, target, { sha256: archive.sha256 }),
    );
    const note = { uploadId: upload.uploadId, sha256: archive.sha256, partBytes };
    await this.#uploads.setUpload(this.#placeOf(key), note);
    return upload;
  }

  /** The object is there: an upload of it that was begun is taken back. */
  async #endUpload(key: string): Promise<void> {
    const known = await this.#uploads.upload(this.#placeOf(key));
    if (!known) return;
    const target = { Bucket: this.#bucket, Key: key };
    await this.#call('s3:AbortMultipartUpload', key, async () => {
      const upload = await S3Upload.resume(this.#client, target, known.uploadId);
      await upload?.abort();
    });
    await this.#uploads.setUpload(this.#placeOf(key), undefined);
  }

  /**
   * Whether the object is there with the archive's content.
   * @throws VedetteError ARTIFACT_CONFLICT when it has another one
   */
  async #isThere(key: string, archive: PackedArchive, file: PartedFile): Promise<boolean> {
    const head = await this.#call('s3:GetObject', key, () =>
      this.#client
        .send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }))
        .catch(unlessAbsent),
    );
    if (!head) return false;
    const isSame =
      head.ContentLength === archive.byteLength &&
      (await this.#hasChecksum(key, archive, file, head.ChecksumSHA256));
    if (isSame) return true;
    throw new VedetteError(
      'ARTIFACT_CONFLICT',
      `s3://${this.#bucket}/${key} is there already, with other content; it was left as it is`,
      { details: { bucket: this.#bucket, key, sha256: archive.sha256 } },
    );
  }

  async #hasChecksum(
    key: string,
    archive: PackedArchive,
    file: PartedFile,
    found: string | undefined,
  ): Promise<boolean> {
    const whole = Buffer.from(archive.sha256, 'hex').toString('base64');
    if (found === whole) return true;
    if (found?.endsWith(`-${file.partCount}`)) {
      const sums: Buffer[] = [];
      for (let index = 0; index < file.partCount; index += 1) {
        sums.push((await file.read(index)).sha256);
      }
      if (found === compositeChecksum(sums)) return true;
    }
    // Put there by other means, without this checksum: only its bytes can tell.
    return (await this.#readSha256(key)) === archive.sha256;
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
    archive: PackedArchive,
    file: PartedFile,
    found: string | undefined,
    expected: string,
  ): Promise<void> {
    if (found === expected) return;
    if (found === undefined && (await this.#hasChecksum(key, archive, file, undefined))) return;
    throw new VedetteError(
      'ARTIFACT_CORRUPT',
      `s3://${this.#bucket}/${key} arrived with the checksum ${found ?? 'of other bytes'}, expected ${expected}`,
    );
  }

  #placeOf(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  async #call<T>(action: string, key: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw awsFault(error, { action, resource: `arn:aws:s3:::${this.#bucket}/${key}` });
    }
  }
}

const changed = ({ fileName }: PackedArchive): VedetteError =>
  new VedetteError('ARTIFACT_CORRUPT', `${fileName} is not what was packed any more`);

function unlessOtherIsThere(error: unknown): undefined {
  if (OTHER_IS_THERE.test(String((error as { name?: unknown }).name))) return undefined;
  throw error;
}

/**
 * S3 answers 403 for an object that is not there to who may not list the bucket: what is truly
 * forbidden is told by the call that follows.
 */
function unlessAbsent(error: unknown): undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (status === 404 || status === 403) return undefined;
  throw error;
}
