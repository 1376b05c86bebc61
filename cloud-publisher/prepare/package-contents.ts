import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelManifest, ModelVariant } from '../../component/contract/model-manifest.ts';
import { findExternalFiles } from '../../component/inference/package/find-external-files.ts';
import { insideFile, sha256Of } from '../../component/inference/package/package-files.ts';
import { readOnnx } from '../../component/inference/package/read-onnx.ts';

export interface PackageFile {
  /** Relative, with `/`. */
  readonly path: string;
  /** Absolute, links resolved. */
  readonly file: string;
  readonly sha256: string;
}

export interface VariantFiles {
  readonly variant: ModelVariant;
  /** As `variants[].sha256` of `model.json` wants it: the ONNX file, then its weights by name. */
  readonly sha256: string;
  readonly files: readonly PackageFile[];
}

/** Terms that must travel with the weights, and what explains them. */
const ACCOMPANYING = /^(licen[cs]e|notice|copying|readme)(\.(txt|md))?$/i;

/** The ONNX file of a variant and the files that hold its weights; what is wrong is pushed. */
export async function variantFiles(
  root: string,
  variant: ModelVariant,
  problems: string[],
): Promise<VariantFiles | undefined> {
  const model = await insideFile(root, variant.file, 'variants', problems);
  if (!model) return undefined;
  const { externalFiles } = await readOnnx(model);
  const weights = await findExternalFiles(root, variant.file, externalFiles, problems);
  if (weights.length !== externalFiles.length) return undefined;
  const folder = variant.file.split('/').slice(0, -1);
  const paths = [variant.file, ...externalFiles.map(({ name }) => [...folder, name].join('/'))];
  const files: PackageFile[] = [];
  for (const [index, file] of [model, ...weights].entries()) {
    files.push({ path: paths[index]!, file, sha256: await sha256Of([file]) });
  }
  const sha256 = weights.length > 0 ? await sha256Of([model, ...weights]) : files[0]!.sha256;
  return { variant, sha256, files };
}

/** Labels, golden pictures, whatever `files` names, and the licence beside them. */
export async function accompanyingFiles(
  root: string,
  manifest: ModelManifest,
  problems: string[],
): Promise<PackageFile[]> {
  const beside = (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && ACCOMPANYING.test(entry.name))
    .map(({ name }) => name);
  const paths = new Set([
    ...(typeof manifest.labels === 'string' ? [manifest.labels] : []),
    ...manifest.golden.map(({ image }) => image),
    ...Object.keys(manifest.files ?? {}),
    ...beside,
  ]);
  const files: PackageFile[] = [];
  for (const path of [...paths].sort()) {
    const file = await insideFile(root, path, 'files', problems);
    if (file) files.push({ path, file, sha256: await sha256Of([file]) });
  }
  return files;
}

/** Files of the folder that nothing names: they stay behind, and the author is told. */
export async function leftBehind(root: string, taken: readonly string[]): Promise<string[]> {
  const known = new Set([...taken, 'model.json']);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !known.has(path))
    .sort();
}
