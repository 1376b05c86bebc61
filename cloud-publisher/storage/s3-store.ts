import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { VedetteError } from '../../component/contract/errors.ts';
import type { AwsAction } from '../aws/aws-calls.ts';
import { awsFault } from '../aws/aws-fault.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import type { ArtifactPlace, ArtifactStore, PutOptions, StoredArtifact } from './artifact-store.ts';
import { PartedFile, compositeChecksum, isInParts, partBytesOf } from './parted-file.ts';
import { S3Upload, isNoSuchUpload } from './s3-upload.ts';

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
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

  constructor({ client, bucket, prefix }: S3StoreOptions) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
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
      's3:ListMultipartUploads, for one that was interrupted',
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
        if ((round > 0 || isLarge) && (await this.#isThere(key, archive, file, round === 0))) {
          if (isLarge) await this.#endUploads(key);
          return { uri, isNew: false };
        }
        const isPut = await (isLarge
          ? this.#putParts(key, archive, file, options)
          : this.#putWhole(key, archive, file));
        if (isPut) return { uri, isNew: true };
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
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
    if (!checksums) return false;
    await this.#requireArrived(key, archive, file, checksums.found, checksums.expected);
    return true;
  }

  /** One that was interrupted is gone on with: the key holds the digest, so that it is of the same bytes. */
  async #openUpload(key: string, archive: PackedArchive): Promise<S3Upload> {
    const target = { Bucket: this.#bucket, Key: key };
    const [open] = await this.#openUploads(key);
    if (open) return open;
    return this.#call('s3:PutObject', key, () =>
      S3Upload.begin(this.#client, target, { sha256: archive.sha256 }),
    );
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
   * Whether the object is there with the archive's content.
   * @throws VedetteError ARTIFACT_CONFLICT when it has another one
   */
  async #isThere(
    key: string,
    archive: PackedArchive,
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

  async #call<T>(action: AwsAction, key: string, send: () => Promise<T>): Promise<T> {
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

function unlessAbsent(error: unknown): undefined {
  if (statusOf(error) === 404) return undefined;
  throw error;
}

/**
 * A refusal of HEAD has no body, hence no reason, and S3 answers 403 also for an object that is not
 * there to who may not list the bucket: the call that follows tells the truth.
 */
function unlessRefused(error: unknown): undefined {
  const status = statusOf(error);
  if (status >= 300 && status < 500 && status !== 429) return undefined;
  throw error;
}

const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
