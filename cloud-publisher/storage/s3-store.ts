import type { AwsAction } from '../aws/aws-calls.ts';
import { S3Objects } from '../../component/object-store/s3-objects.ts';
import type { S3Action, S3ObjectsOptions } from '../../component/object-store/s3-objects.ts';
import { publishedTags } from './published-tags.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import type { ArtifactPlace, ArtifactStore, PutOptions, StoredArtifact } from './artifact-store.ts';

export { openS3 } from '../../component/object-store/s3-objects.ts';

/** `never` when uploading does what no policy is made for: then the class below is refused. */
type Allowed = S3Action extends AwsAction ? ArtifactStore : never;

/** Artifacts in a bucket, under keys that hold their digest. */
export class S3Store implements Allowed {
  readonly description: string;
  readonly #objects: S3Objects;

  constructor(options: S3ObjectsOptions) {
    this.#objects = new S3Objects(options);
    this.description = this.#objects.description;
  }

  uriOf(_archive: PackedArchive, { key }: ArtifactPlace): string {
    return this.#objects.addressOf(key);
  }

  plan(archive: PackedArchive, place: ArtifactPlace): string[] {
    const target = `${this.uriOf(archive, place)} (${archive.byteLength} bytes)`;
    const parts = this.#objects.partsOf(archive.byteLength);
    if (parts === 1) return [`s3:PutObject ${target}, if none is there`];
    return [
      `s3:HeadObject ${target}`,
      's3:ListMultipartUploads, for one that was interrupted',
      's3:CreateMultipartUpload',
      `s3:UploadPart, ${parts} times`,
      's3:CompleteMultipartUpload, if none is there',
      's3:PutObjectTagging, after one that was interrupted',
    ];
  }

  async put(
    archive: PackedArchive,
    place: ArtifactPlace,
    options: PutOptions = {},
  ): Promise<StoredArtifact> {
    const source = {
      ...archive,
      contentType: 'application/zip',
      tags: publishedTags(archive.sha256),
    };
    const isNew = await this.#objects.putFile(source, place.key, options);
    return { uri: this.uriOf(archive, place), isNew };
  }

  close(): void {
    this.#objects.close();
  }
}
