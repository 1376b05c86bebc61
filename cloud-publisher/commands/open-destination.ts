import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import type { CredentialSource } from '../aws/credential-source.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { FolderGateway } from '../greengrass/folder-gateway.ts';
import { credentialsOf } from './aws-options.ts';
import type { AwsOptions } from './aws-options.ts';
import { FolderSource } from '../storage/artifact-source.ts';
import type { ArtifactSource } from '../storage/artifact-source.ts';
import type { ArtifactStore } from '../storage/artifact-store.ts';
import { FolderStore } from '../storage/folder-store.ts';

/** Where components are: a folder, or Greengrass. */
export interface PlaceOptions extends AwsOptions {
  readonly to?: string;
}

/** Where components go: a folder, or a bucket and Greengrass of one account and region. */
export interface DestinationOptions extends PlaceOptions {
  readonly bucket?: string;
  readonly prefix?: string;
}

export interface Destination {
  readonly store: ArtifactStore;
  readonly gateway: ComponentGateway;
  close(): void;
}

/** @throws VedetteError REQUEST_INVALID, and those of finding out the AWS account */
export async function openDestination({
  to,
  bucket,
  prefix = '',
  ...aws
}: DestinationOptions): Promise<Destination> {
  if ((to === undefined) === (bucket === undefined)) {
    throw new VedetteError('REQUEST_INVALID', 'give --to <folder> or --bucket <name>, one of them');
  }
  if (to !== undefined) {
    return opened(new FolderStore(resolve(to)), new FolderGateway(resolve(to)));
  }
  // One session of a role for both.
  const credentials = await credentialsOf(aws);
  const gateway = await openAccount(aws.region, credentials);
  return opened(await openBucket(bucket!, prefix, aws.region, credentials), gateway);
}

function opened(store: ArtifactStore, gateway: ComponentGateway): Destination {
  return {
    store,
    gateway,
    close: () => {
      store.close();
      gateway.close();
    },
  };
}

/**
 * The folder named, or Greengrass, to look at what is there.
 * @throws VedetteError NOT_FOUND when there is no such folder, and those of finding out the account
 */
export async function openGateway({ to, ...aws }: PlaceOptions): Promise<ComponentGateway> {
  if (to !== undefined) {
    const folder = resolve(to);
    // Else a name that was mistyped would look like a folder with nothing in it.
    if (!existsSync(folder)) throw new VedetteError('NOT_FOUND', `there is no folder ${folder}`);
    return new FolderGateway(folder);
  }
  return openAccount(aws.region, await credentialsOf(aws));
}

async function openAccount(
  region: string | undefined,
  credentials: CredentialSource | undefined,
): Promise<ComponentGateway> {
  // AWS' clients take a third of a second to load: only who calls AWS waits for them.
  const [{ findAccount }, { GreengrassGateway, openGreengrass }] = await Promise.all([
    import('../aws/find-account.ts'),
    import('../greengrass/greengrass-gateway.ts'),
  ]);
  const account = await findAccount(region, credentials);
  return new GreengrassGateway(openGreengrass(account.region, credentials), account);
}

/** Where artifacts of published components are read from. */
export async function openSource({ to, ...aws }: PlaceOptions): Promise<ArtifactSource> {
  if (to !== undefined) return new FolderSource(resolve(to));
  const [{ S3Source }, { openS3 }] = await Promise.all([
    import('../storage/s3-source.ts'),
    import('../storage/s3-store.ts'),
  ]);
  return new S3Source(openS3(aws.region, await credentialsOf(aws)));
}

async function openBucket(
  bucket: string,
  prefix: string,
  region: string | undefined,
  credentials: CredentialSource | undefined,
): Promise<ArtifactStore> {
  const { S3Store, openS3 } = await import('../storage/s3-store.ts');
  const trimmed = prefix.replaceAll(/^\/+|\/+$/g, '');
  const client = openS3(region, credentials);
  return new S3Store({ client, bucket, prefix: trimmed });
}
