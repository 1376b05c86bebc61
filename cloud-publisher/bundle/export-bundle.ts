import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { writeSyncedFile } from '../../component/inference/package/synced-file.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { canonicalJson } from '../recipe/canonical-json.ts';
import { writeStoredZip } from '../package/write-stored-zip.ts';
import type { ZipSource } from '../package/write-stored-zip.ts';
import type { ArtifactSource } from '../storage/artifact-source.ts';
import { folderFault } from '../storage/folder-fault.ts';
import {
  BUNDLE_FILE,
  CONTENTS_FILE,
  SIGNATURE_FILE,
  artifactPath,
  placeholderUri,
  recipePath,
  tagsPath,
} from './bundle-contents.ts';
import type { BundleContents } from './bundle-contents.ts';
import { bundleText, invalidBundle } from './bundle-schema.ts';
import type { Bundle } from './bundle-schema.ts';
import { signContents } from './bundle-signature.ts';
import { differences, digestsOf } from './lock-component.ts';

export interface ExportOptions {
  readonly gateway: ComponentGateway;
  readonly source: ArtifactSource;
  /** PEM of the ed25519 key that signs. */
  readonly privateKey: string;
  /** Of the caller's own, on the disk of the target. */
  readonly scratch: string;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes one file that holds a bundle with everything that it needs: recipes, artifacts, digests of
 * all, and a signature over these.
 * @throws VedetteError BUNDLE_INVALID when what is published is not what was locked, ARTIFACT_CORRUPT,
 * and those of the gateway and the source
 */
export async function exportBundle(
  bundle: Bundle,
  target: string,
  { gateway, source, privateKey, scratch, onProgress = () => undefined, signal }: ExportOptions,
): Promise<{ readonly byteLength: number; readonly sha256: string }> {
  const sources: ZipSource[] = [];
  const files: BundleContents['files'] = [];
  const add = (path: string, content: string): void => {
    sources.push(bytes(path, content));
    files.push({ path, byteLength: Buffer.byteLength(content), sha256: sha256Text(content) });
  };
  add(BUNDLE_FILE, canonicalJson(bundle));
  const problems: string[] = [];
  const taken = new Set<string>();
  for (const [component, locked] of Object.entries(bundle.components)) {
    const { version } = locked;
    const what = `${component} ${version}`;
    problems.push(
      ...differences(locked, await digestsOf(component, version, gateway)).map(
        (problem) => `${what}: ${problem}`,
      ),
    );
    for (const { uri, fileName, sha256 } of await gateway.artifacts(component, version)) {
      if (sha256 === undefined) {
        problems.push(`${what}: ${uri} is no file, and cannot be taken along`);
        continue;
      }
      const path = artifactPath(sha256, fileName);
      if (taken.has(path) || problems.length > 0) continue;
      taken.add(path);
      onProgress(`reading ${fileName} of ${what}`);
      const stream = await source.read({ component, version, uri, fileName });
      const written = await writeSyncedFile(scratch, path, stream).catch((error: unknown) => {
        throw folderFault(error, `${fileName} of ${what}`);
      });
      signal?.throwIfAborted();
      if (written.sha256 !== sha256) {
        throw new VedetteError(
          'ARTIFACT_CORRUPT',
          `${uri} has the sha256 ${written.sha256}, expected ${sha256}`,
        );
      }
      sources.push({ path, content: { file: join(scratch, path) } });
      files.push(written);
    }
    const { recipe, tags } = await gateway.details(component, version);
    add(recipePath(component, version), JSON.stringify(detached(recipe), undefined, 2));
    add(tagsPath(component, version), canonicalJson(tags));
  }
  if (problems.length > 0) throw invalidBundle(`bundle ${bundleText(bundle)}`, problems);
  const contents = canonicalJson({ schemaVersion: 1, files });
  const signature = canonicalJson(signContents(Buffer.from(contents), privateKey));
  const all = [...sources, bytes(CONTENTS_FILE, contents), bytes(SIGNATURE_FILE, signature)];
  try {
    const { byteLength, sha256 } = await writeStoredZip(target, all, signal);
    return { byteLength, sha256 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw folderFault(error, target);
    throw new VedetteError('ARTIFACT_CONFLICT', `${target} is there already; it was left as it is`);
  }
}

const sha256Text = (text: string): string => createHash('sha256').update(text).digest('hex');

const bytes = (path: string, content: string): ZipSource => ({
  path,
  content: { bytes: Buffer.from(content) },
});

/** A recipe with placeholders for the addresses of its artifacts, and without their digests. */
function detached(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(detached);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value) as [string, unknown][];
  const isArtifact = entries.some(([key]) => key.toLowerCase() === 'uri');
  return Object.fromEntries(
    entries
      .filter(([key]) => !isArtifact || !/^(digest|algorithm)$/i.test(key))
      .map(([key, one]) =>
        isArtifact && key.toLowerCase() === 'uri'
          ? ['Uri', placeholderUri(String(one).split('/').at(-1) ?? '')]
          : [key, detached(one)],
      ),
  );
}
