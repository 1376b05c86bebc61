import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import type { ComponentRelease } from './component-release.ts';

/**
 * Compares the digests that Greengrass computed of the artifacts with those that were packed: from
 * here on devices check against them. A folder computes none.
 * @throws VedetteError ARTIFACT_CORRUPT
 */
export async function checkDigests(
  { component, version, artifacts }: ComponentRelease,
  gateway: ComponentGateway,
): Promise<void> {
  if (!gateway.hasDigests) return;
  const digests = digestsIn(await gateway.recipe(component, version));
  const packed = new Set(
    artifacts.map(({ archive }) => Buffer.from(archive.sha256, 'hex').toString('base64')),
  );
  const foreign = digests.find((digest) => !packed.has(digest));
  const missing = [...packed].find((digest) => !digests.includes(digest));
  if (foreign === undefined && missing === undefined) return;
  throw new VedetteError(
    'ARTIFACT_CORRUPT',
    foreign === undefined
      ? `${component} ${version}: Greengrass gives no digest ${missing}, which an artifact was packed with, so that devices could not check it`
      : `${component} ${version}: Greengrass read an artifact with the SHA-256 ${foreign}, packed were ${[...packed].join(', ')}`,
  );
}

/** Greengrass may give keys in another case. */
function digestsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(digestsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key.toLowerCase() === 'digest' && typeof inner === 'string' && inner !== ''
      ? [inner]
      : digestsIn(inner),
  );
}
