import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { VedetteError } from '../../component/contract/errors.ts';
import { awsFault } from '../aws/aws-fault.ts';
import type { ArtifactSource, PublishedArtifact } from './artifact-source.ts';

/** Artifacts of any bucket, by their address. */
export class S3Source implements ArtifactSource {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  /** @throws VedetteError ARTIFACT_STORE_UNAVAILABLE for what is no object, and those of AWS */
  async read({ uri }: PublishedArtifact): Promise<Readable> {
    const place = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
    if (!place) {
      throw new VedetteError('ARTIFACT_STORE_UNAVAILABLE', `${uri} is no object of S3`);
    }
    const [, Bucket, Key] = place;
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket, Key }));
      return Body as Readable;
    } catch (error) {
      throw awsFault(error, { action: 's3:GetObject', resource: `arn:aws:s3:::${Bucket}/${Key}` });
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
