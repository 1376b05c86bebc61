import { basename, dirname } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { modelManifestSchema } from '../../component/contract/model-manifest.ts';
import type { ModelManifestInput } from '../../component/contract/model-manifest.ts';
import {
  DDA_MANIFEST_FILE,
  fromDdaManifest,
  identityOf,
} from '../../component/inference/package/dda-manifest.ts';
import { readModelMetadata } from '../../component/inference/package/model-metadata.ts';
import { readJson } from '../../component/inference/package/read-json.ts';
import { MANIFEST_FILE, readManifest } from '../../component/inference/package/read-manifest.ts';
import type { AuthoredManifest } from '../../component/inference/package/read-manifest.ts';
import { readOnnx } from '../../component/inference/package/read-onnx.ts';
import { KNOWN_OUTPUTS } from '../../component/inference/package/recognise-family.ts';
import { suggestManifest } from '../../component/inference/package/suggest-manifest.ts';
import type { ModelSource } from './model-source.ts';

export interface IdentityOptions {
  /** Name and version of what has none of its own: a DDA package or a bare ONNX file. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  /** Takes what had to be guessed of a bare ONNX file. */
  readonly acceptsGuesses?: boolean | undefined;
}

/** A package before anything is added: its folder and its manifest as it was written. */
export interface AuthoredPackage {
  readonly folder: string;
  /** What `model.json` holds, without defaults: they would hide what the author left to the graph. */
  readonly written: ModelManifestInput;
  readonly authored: AuthoredManifest;
  readonly warnings: readonly string[];
}

/**
 * The manifest of a folder with `model.json`, of a DDA package (mapped to the same), or of a bare
 * ONNX file, where the graph and its metadata say enough.
 * @throws VedetteError MODEL_PACKAGE_INVALID, MODEL_RUNTIME_UNSUPPORTED, MODEL_MISMATCH,
 * MODEL_FILE_INVALID, MANIFEST_GUESSED, REQUEST_INVALID
 */
export async function readAuthoredPackage(
  source: ModelSource,
  options: IdentityOptions,
): Promise<AuthoredPackage> {
  if (source.kind === 'file') return fromOnnxFile(source, options);
  const folder = source.place;
  const value = await readJson(folder, MANIFEST_FILE);
  if (value !== undefined) {
    const authored = await readManifest(folder);
    refuseOtherIdentity(source.path, authored.manifest, options);
    return { folder, written: value as ModelManifestInput, authored, warnings: [] };
  }
  const own = identityOf(source.path);
  const identity = { name: options.name ?? own.name, version: options.version ?? own.version };
  const authored = await readManifest(folder, identity);
  const dda = await readJson(folder, DDA_MANIFEST_FILE);
  const written = await fromDdaManifest(folder, dda, identity);
  return { folder, written, authored, warnings: [] };
}

function refuseOtherIdentity(
  path: string,
  own: { readonly name: string; readonly version: string },
  { name, version }: IdentityOptions,
): void {
  if ((name ?? own.name) === own.name && (version ?? own.version) === own.version) return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `${path} says of itself that it is ${own.name}@${own.version}: change its ${MANIFEST_FILE} to give it another name or version`,
  );
}

async function fromOnnxFile(
  { path, place }: ModelSource,
  { name, version, acceptsGuesses = false }: IdentityOptions,
): Promise<AuthoredPackage> {
  const graph = await readOnnx(place);
  const suggestion = suggestManifest(basename(place), graph, readModelMetadata(graph.metadata));
  if (!suggestion) {
    throw new VedetteError(
      'MODEL_MISMATCH',
      `the outputs of ${path} are of no family that Vedette decodes: expected ${KNOWN_OUTPUTS}`,
    );
  }
  const { guesses } = suggestion;
  if (guesses.length > 0 && !acceptsGuesses) {
    throw new VedetteError(
      'MANIFEST_GUESSED',
      `${path} has no model.json, and this had to be guessed:${guesses.map((one) => `\n  - ${one}`).join('')}`,
      { details: { guesses, suggestion: suggestion.manifest } },
    );
  }
  const written = {
    ...suggestion.manifest,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
  };
  const parsed = modelManifestSchema.safeParse(written);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.')}: ${issue.message}`,
    );
    throw new VedetteError('REQUEST_INVALID', `${path}: ${problems.join('; ')}`);
  }
  return {
    folder: dirname(place),
    written,
    authored: { manifest: parsed.data, authored: { ...written.input } },
    warnings: guesses.map((guess) => `guessed: ${guess}`),
  };
}
