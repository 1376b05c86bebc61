import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { ArchiveGuard } from '../../component/inference/package/archive-guard.ts';
import type { PackedFile } from '../../component/inference/package/synced-file.ts';
import { unpackZip } from '../../component/inference/package/unpack-zip.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { placeFile } from '../package/place-archive.ts';
import { checkRecipe } from '../recipe/check-recipe.ts';
import {
  BUNDLE_FILE,
  CONTENTS_FILE,
  SIGNATURE_FILE,
  artifactPath,
  contentsSchema,
  recipePath,
  tagsPath,
} from './bundle-contents.ts';
import type { BundleContents } from './bundle-contents.ts';
import { bundleText, invalidBundle, parseBundle } from './bundle-schema.ts';
import type { Bundle } from './bundle-schema.ts';
import { signatureSchema, verifyContents } from './bundle-signature.ts';
import { differences, digestsOf } from './lock-component.ts';

export interface ImportOptions {
  /** PEM of the public ed25519 key that is trusted. */
  readonly trusted: string;
  /** Of the folder. */
  readonly gateway: ComponentGateway;
  readonly folder: string;
  /** Of the caller's own. */
  readonly scratch: string;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Puts an exported bundle into a folder, as `greengrass-cli` deploys it: needs no connection. Nothing
 * is placed before signature and every digest have been checked; what is there already is never
 * overwritten. Safe to repeat.
 * @throws VedetteError BUNDLE_FILE_INVALID, BUNDLE_SIGNATURE_UNTRUSTED, BUNDLE_INVALID,
 * ARTIFACT_CONFLICT, COMPONENT_VERSION_EXISTS
 */
export async function importBundle(file: string, options: ImportOptions): Promise<Bundle> {
  const { scratch, gateway, onProgress = () => undefined } = options;
  const bundle = await openExport(file, options);
  for (const [component, { version, artifacts }] of Object.entries(bundle.components)) {
    for (const { fileName, sha256 } of artifacts) {
      if (sha256 === undefined) throw invalidFile(`${fileName} of ${component} has no digest`);
      const source = join(scratch, artifactPath(sha256, fileName));
      const target = join(options.folder, 'artifacts', component, version, fileName);
      const { isNew } = await placeFile({ file: source, sha256 }, target);
      onProgress(`${isNew ? 'placed' : 'there already, the same'}: ${target}`);
    }
    const text = await readFile(join(scratch, recipePath(component, version)), 'utf8');
    const recipe = checkRecipe(parseJson(text, recipePath(component, version)));
    if (!(await gateway.find(component, version))) {
      const tags = await readTags(join(scratch, tagsPath(component, version)));
      const clientToken = `${component}-${version}`;
      await gateway.create({ component, version, recipe, tags, clientToken });
    }
    const found = await digestsOf(component, version, gateway);
    const problems = differences(bundle.components[component]!, found);
    if (problems.length > 0) {
      throw new VedetteError(
        'COMPONENT_VERSION_EXISTS',
        `${component} ${version} is in ${options.folder} already, and is another: ${problems.join('; ')}`,
      );
    }
    onProgress(`${component} ${version} is there`);
  }
  return bundle;
}

/** Unpacks and checks everything, before anything is placed. */
async function openExport(
  file: string,
  { trusted, scratch, signal }: ImportOptions,
): Promise<Bundle> {
  const unpacked = await unpack(file, scratch, signal);
  const read = (path: string): Promise<Buffer> => {
    if (!unpacked.has(path)) throw invalidFile(`it holds no ${path}`);
    return readFile(join(scratch, path));
  };
  const list = await read(CONTENTS_FILE);
  const signature = signatureSchema.safeParse(
    parseJson((await read(SIGNATURE_FILE)).toString('utf8'), SIGNATURE_FILE),
  );
  if (!signature.success) throw invalidFile(`${SIGNATURE_FILE} cannot be read`);
  verifyContents(list, signature.data, trusted);
  const contents = contentsSchema.safeParse(parseJson(list.toString('utf8'), CONTENTS_FILE));
  if (!contents.success) throw invalidFile(`${CONTENTS_FILE} cannot be read`);
  compare(contents.data, unpacked);
  const text = (await read(BUNDLE_FILE)).toString('utf8');
  const bundle = parseBundle(parseJson(text, BUNDLE_FILE), file);
  requireComplete(bundle, unpacked);
  return bundle;
}

async function unpack(
  file: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, PackedFile>> {
  try {
    const { size } = await stat(file);
    const files = await unpackZip(file, folder, new ArchiveGuard(file, size), signal);
    return new Map(files.map((one) => [one.path, one]));
  } catch (error) {
    if (error instanceof VedetteError) {
      if (!error.code.startsWith('MODEL_ARCHIVE_')) throw error;
      throw new VedetteError('BUNDLE_FILE_INVALID', error.message, { cause: error });
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EISDIR') throw error;
    throw invalidFile(`${file} cannot be read: ${message}`);
  }
}

function compare({ files }: BundleContents, unpacked: ReadonlyMap<string, PackedFile>): void {
  const problems: string[] = [];
  const listed = new Set([CONTENTS_FILE, SIGNATURE_FILE]);
  for (const { path, byteLength, sha256 } of files) {
    listed.add(path);
    const found = unpacked.get(path);
    if (!found) problems.push(`${path} is missing`);
    else if (found.sha256 !== sha256 || found.byteLength !== byteLength) {
      problems.push(`${path} is not what was signed`);
    }
  }
  for (const path of unpacked.keys()) {
    if (!listed.has(path)) problems.push(`${path} was not signed`);
  }
  if (problems.length > 0) throw invalidFile(problems.join('; '));
}

function requireComplete(bundle: Bundle, unpacked: ReadonlyMap<string, PackedFile>): void {
  const missing: string[] = [];
  for (const [component, { version, artifacts }] of Object.entries(bundle.components)) {
    const paths = [
      recipePath(component, version),
      tagsPath(component, version),
      ...artifacts.map(({ fileName, sha256 = '' }) => artifactPath(sha256, fileName)),
    ];
    missing.push(...paths.filter((path) => !unpacked.has(path)));
  }
  if (missing.length > 0) {
    throw invalidBundle(
      `bundle ${bundleText(bundle)}`,
      missing.map((path) => `${path} is not in the file`),
    );
  }
}

async function readTags(file: string): Promise<Record<string, string>> {
  const parsed = z
    .record(z.string(), z.string())
    .safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw invalidFile(`${file} holds no tags`);
  return parsed.data;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidFile(`${path} is no JSON: ${(error as Error).message}`);
  }
}

const invalidFile = (problem: string): VedetteError =>
  new VedetteError('BUNDLE_FILE_INVALID', problem);
