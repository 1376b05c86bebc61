import type { CredentialSource } from '../aws/credential-source.ts';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { VedetteError } from '../../component/contract/errors.ts';
import { callAws } from '../aws/call-aws.ts';
import { openS3 } from './s3-store.ts';

/** Sizes of artifacts where their recipes say they lie, in any bucket that may be read. */
export class ArtifactSizes {
  readonly #client: ReturnType<typeof openS3>;

  constructor(region: string | undefined, credentials?: CredentialSource) {
    this.#client = openS3(region, credentials);
  }

  /** @returns nothing for what is not there, or not ours to look at */
  async bytes(uri: string): Promise<number | undefined> {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    if (bucket === undefined || key === undefined) return undefined;
    try {
      const { ContentLength } = await callAws('s3:GetObject', `arn:aws:s3:::${bucket}/${key}`, () =>
        this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })),
      );
      return ContentLength;
    } catch (error) {
      const isHidden =
        error instanceof VedetteError &&
        [
          'AWS_ACCESS_DENIED',
          'AWS_REQUEST_REFUSED',
          'AWS_REGION_WRONG',
          'AWS_BUCKET_NOT_FOUND',
        ].includes(error.code);
      if (isHidden) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
