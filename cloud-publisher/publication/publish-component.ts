import { randomUUID } from 'node:crypto';
import { VedetteError } from '../../component/contract/errors.ts';
import { nextMajor, nextPatch } from '../greengrass/compare-versions.ts';
import type { ComponentGateway, ComponentVersion } from '../greengrass/component-gateway.ts';
import { CONTENT_TAG } from '../recipe/recipe-content.ts';
import type { ArtifactStore } from '../storage/artifact-store.ts';
import { checkDigests } from './check-digests.ts';
import type { ComponentRelease } from './component-release.ts';
import { DEFAULT_POLLING, waitUntilDeployable } from './wait-until-deployable.ts';
import type { Polling } from './wait-until-deployable.ts';

export type PublicationState = 'uploading' | 'creating' | 'waiting' | 'deployable' | 'failed';

export interface PublicationKey {
  readonly destination: string;
  readonly component: string;
  readonly version: string;
  readonly contentSha256: string;
}

/** Remembers how far a version came, over the end of the process. */
export interface PublicationBook {
  publication(
    key: PublicationKey,
  ): Promise<{ readonly state: PublicationState; readonly clientToken: string } | undefined>;
  setPublication(key: PublicationKey, state: PublicationState, clientToken: string): Promise<void>;
}

export interface PublicationDoors {
  readonly store: ArtifactStore;
  readonly gateway: ComponentGateway;
  readonly book: PublicationBook;
}

export interface PublishOptions {
  readonly onProgress?: (text: string) => void;
  readonly polling?: Polling;
  readonly signal?: AbortSignal | undefined;
}

export interface PublishedComponent {
  readonly component: string;
  readonly version: string;
  readonly arn: string;
  readonly state: 'DEPLOYABLE';
  /** False when the same version with the same content was there already. */
  readonly isNew: boolean;
  readonly contentSha256: string;
  readonly artifacts: readonly {
    readonly uri: string;
    readonly sha256: string;
    readonly byteLength: number;
  }[];
}

/**
 * Third phase: artifacts uploaded, the version created and watched until devices can have it. Safe to
 * repeat after any interruption and to run twice at once: a version of the same content is the
 * wanted one, whoever made it. One that failed is deleted, so that it does not block its own number.
 * @throws VedetteError COMPONENT_VERSION_EXISTS (other content; the next free version is named),
 * COMPONENT_FAILED, COMPONENT_NOT_READY, and those of the store and the gateway
 */
export async function publishComponent(
  release: ComponentRelease,
  { store, gateway, book }: PublicationDoors,
  { onProgress = () => undefined, polling = DEFAULT_POLLING, signal }: PublishOptions = {},
): Promise<PublishedComponent> {
  const { component, version, contentSha256 } = release;
  const key = { destination: gateway.description, component, version, contentSha256 };
  const known = await book.publication(key);
  // Greengrass remembers a token for hours, also of a version that was deleted since: only a request
  // that may be under way is made again with the same one.
  const isUnderWay = known?.state === 'uploading' || known?.state === 'creating';
  let clientToken = isUnderWay ? known.clientToken : randomUUID();
  const enter = (state: PublicationState) => book.setPublication(key, state, clientToken);

  try {
    return await publish();
  } catch (error) {
    // No later run can end what was refused for good.
    if (error instanceof VedetteError && isFinal(error)) await enter('failed');
    throw error;
  }

  async function publish(): Promise<PublishedComponent> {
    let current = await findSame(release, gateway);
    if (current?.state === 'DEPLOYABLE') {
      await gateway.completeTags(release);
      await enter('deployable');
      onProgress(`${component} ${version} is there already, with the same content`);
      return published(current, false);
    }
    if (current?.state === 'FAILED') {
      onProgress(`${component} ${version} failed before and is made again`);
      await gateway.remove(component, version);
      clientToken = randomUUID();
      current = undefined;
    }
    const isNew = current === undefined;
    if (!current) {
      await enter('uploading');
      await uploadArtifacts();
      await enter('creating');
      current = await create();
    }
    await enter('waiting');
    try {
      let last = '';
      const onState = (state: string) => {
        if (state !== last) onProgress(`${component} ${version} is ${state}`);
        last = state;
      };
      const deployable = await waitUntilDeployable(gateway, current, polling, onState, signal);
      // Greengrass may have shown nothing of it when it refused the request.
      if (!isOf(release, deployable)) throw await versionExists(release, deployable, gateway);
      await checkDigests(release, gateway);
      await gateway.completeTags(release);
      await enter('deployable');
      return published(deployable, isNew);
    } catch (error) {
      if (!(error instanceof VedetteError) || !isOwnFault(error)) throw error;
      throw await withdraw(error);
    }
  }

  async function uploadArtifacts(): Promise<void> {
    for (const { archive, key: at } of release.artifacts) {
      const { uri, isNew: isSent } = await store.put(
        archive,
        { component, version, key: at },
        {
          signal,
          onProgress: (sent) =>
            onProgress(`sent ${sent} of ${archive.byteLength} bytes of ${archive.fileName}`),
        },
      );
      onProgress(`${isSent ? 'stored' : 'there already, the same'}: ${uri}`);
    }
  }

  async function create(): Promise<ComponentVersion> {
    const recipe = release.recipe(urisOf(release, store));
    try {
      return await gateway.create({ component, version, recipe, tags: release.tags, clientToken });
    } catch (error) {
      if (!(error instanceof VedetteError) || error.code !== 'COMPONENT_VERSION_EXISTS')
        throw error;
      // Somebody was faster: with the same content it is the version wanted.
      const other = await findSame(release, gateway);
      if (other) return other;
      const tags = release.tags;
      return { arn: '', component, version, state: 'REQUESTED', errors: {}, tags };
    }
  }

  /**
   * A failed version would block its number for ever: it is deleted, or named as what is left behind.
   * One of other content is somebody else's, who may be making it right now: it stays.
   */
  async function withdraw(error: VedetteError): Promise<VedetteError> {
    let outcome = 'the version was deleted again';
    try {
      const found = await gateway.find(component, version);
      if (found && !isOf(release, found)) return await versionExists(release, found, gateway);
      await gateway.remove(component, version);
    } catch (refusal) {
      outcome = `the version is still there and blocks its number: ${VedetteError.from(refusal).message}`;
    }
    return new VedetteError(error.code, `${error.message}; ${outcome}`, {
      cause: error,
      details: error.details,
    });
  }

  function published({ arn }: ComponentVersion, isNewOne: boolean): PublishedComponent {
    const uris = urisOf(release, store);
    const artifacts = release.artifacts.map(({ archive: { sha256, byteLength } }) => ({
      uri: uris.get(sha256)!,
      sha256,
      byteLength,
    }));
    return {
      component,
      version,
      arn,
      state: 'DEPLOYABLE',
      isNew: isNewOne,
      contentSha256,
      artifacts,
    };
  }
}

/** Of the version that was made here. */
const isOwnFault = ({ code }: VedetteError): boolean =>
  code === 'COMPONENT_FAILED' || code === 'ARTIFACT_CORRUPT';

const isFinal = (error: VedetteError): boolean =>
  isOwnFault(error) ||
  error.code === 'COMPONENT_VERSION_EXISTS' ||
  error.code === 'ARTIFACT_CONFLICT';

const isOf = ({ contentSha256 }: ComponentRelease, { tags }: ComponentVersion): boolean =>
  tags[CONTENT_TAG] === contentSha256;

export const urisOf = (
  { artifacts, component, version }: ComponentRelease,
  store: ArtifactStore,
): Map<string, string> =>
  new Map(
    artifacts.map(({ archive, key }) => [
      archive.sha256,
      store.uriOf(archive, { component, version, key }),
    ]),
  );

/** @throws VedetteError COMPONENT_VERSION_EXISTS naming the next free version */
async function findSame(
  release: ComponentRelease,
  gateway: ComponentGateway,
): Promise<ComponentVersion | undefined> {
  const found = await gateway.find(release.component, release.version);
  if (!found) return undefined;
  if (isOf(release, found) && found.state !== 'DEPRECATED') return found;
  // One of ours that failed is of no use to anybody, whatever it held.
  if (found.tags[CONTENT_TAG] !== undefined && found.state === 'FAILED') return found;
  throw await versionExists(release, found, gateway);
}

async function versionExists(
  { component, version, contentSha256, profile }: ComponentRelease,
  { tags, state }: ComponentVersion,
  gateway: ComponentGateway,
): Promise<VedetteError> {
  const content = tags[CONTENT_TAG];
  const versions = await gateway.versions(component);
  const next = (profile === 'dda' ? nextMajor : nextPatch)([...versions, version]);
  const what =
    content === contentSha256
      ? 'exists already and is deprecated'
      : content === undefined
        ? 'exists already, not made by this publisher'
        : 'exists already, with other content';
  return new VedetteError(
    'COMPONENT_VERSION_EXISTS',
    `${component} ${version} ${what}; the next free version is ${next}`,
    { details: { component, version, nextVersion: next, state } },
  );
}
