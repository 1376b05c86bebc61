import { VedetteError } from '../../component/contract/errors.ts';
import type { ModelManifest, ModelManifestInput } from '../../component/contract/model-manifest.ts';
import { packageInvalid } from '../../component/inference/package/package-invalid.ts';
import { whyNotHere } from '../../component/inference/package/pick-variant.ts';
import { completePackage } from '../../component/inference/package/read-package.ts';
import { runProbe } from '../../component/inference/run-probe.ts';
import type { ProbeLimits, ProbeReport } from '../../component/inference/run-probe.ts';
import { readAuthoredPackage } from './authored-package.ts';
import type { AuthoredPackage, IdentityOptions } from './authored-package.ts';
import { openModelSource } from './model-source.ts';
import { accompanyingFiles, leftBehind, variantFiles } from './package-contents.ts';
import type { PackageFile, VariantFiles } from './package-contents.ts';

export interface PrepareOptions extends IdentityOptions {
  /** Limits of the first run; absent: the model is read, but not run. */
  readonly probe?: ProbeLimits | undefined;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a variant: it ran here, or why it was not tried. */
export interface VariantReport {
  readonly variant: string;
  readonly sha256: string;
  readonly probe?: ProbeReport;
  readonly notRun?: string;
}

/** A model that was read, found free of contradictions and tried. `close` must follow. */
export interface PreparedModel {
  readonly name: string;
  readonly version: string;
  readonly manifest: ModelManifest;
  /** `model.json` to be packed: as written, with the sha256 of everything that lies beside it. */
  readonly written: ModelManifestInput;
  readonly variants: readonly VariantFiles[];
  readonly files: readonly PackageFile[];
  readonly reports: readonly VariantReport[];
  readonly warnings: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * First phase: reads a model (package folder, archive, DDA package or bare ONNX file), checks every
 * variant, completes its manifest, and tries each variant that is for this machine in the probe, with
 * the golden pictures.
 * @throws VedetteError with every problem of the package at once; those of the probe
 */
export async function prepareModel(path: string, options: PrepareOptions): Promise<PreparedModel> {
  const source = await openModelSource(path, options.signal);
  try {
    const authored = await readAuthoredPackage(source, options);
    const { folder } = authored;
    const { manifest } = authored.authored;
    const problems: string[] = [];
    const variants: VariantFiles[] = [];
    for (const variant of manifest.variants) {
      const files = await variantFiles(folder, variant, problems);
      if (files) variants.push(files);
    }
    const files = await accompanyingFiles(folder, manifest, problems);
    const reports = await tryVariants(authored, variants, problems, options);
    if (problems.length > 0) throw packageInvalid(path, [...new Set(problems)]);
    const isFolder = source.kind !== 'file';
    const taken = [...files, ...variants.flatMap((one) => one.files)].map((file) => file.path);
    const left = isFolder ? await leftBehind(folder, taken) : [];
    return {
      name: manifest.name,
      version: manifest.version,
      manifest,
      written: withSums(authored.written, variants, files),
      variants,
      files,
      reports,
      warnings: [
        ...authored.warnings,
        ...left.map((one) => `left out: ${one} (model.json does not name it)`),
      ],
      close: source.close,
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function tryVariants(
  { folder, authored }: AuthoredPackage,
  variants: readonly VariantFiles[],
  problems: string[],
  { probe, onProgress = () => undefined, signal }: PrepareOptions,
): Promise<VariantReport[]> {
  const reports: VariantReport[] = [];
  for (const { variant, sha256 } of variants) {
    signal?.throwIfAborted();
    const { name } = variant;
    if (variant.sha256 !== undefined && variant.sha256 !== sha256) {
      problems.push(
        `variants: sha256 of '${variant.file}' is ${sha256}, expected ${variant.sha256}`,
      );
      continue;
    }
    const elsewhere = whyNotHere(variant);
    if (elsewhere !== undefined) {
      reports.push({ variant: name, sha256, notRun: elsewhere });
      continue;
    }
    const model = await completePackage(folder, authored, name).catch((error: unknown) =>
      collect(error, problems),
    );
    if (!model || problems.length > 0) continue;
    if (!probe) {
      reports.push({ variant: name, sha256, notRun: 'not asked for' });
      continue;
    }
    const { golden } = authored.manifest;
    const pictures = golden.length > 0 ? ` and ${golden.length} golden pictures` : '';
    onProgress(`first run of variant ${name}${pictures}`);
    reports.push({ variant: name, sha256, probe: await runProbe(model, probe, signal) });
  }
  return reports;
}

/** Problems of a package are listed together with the others; any other fault ends the phase. */
function collect(error: unknown, problems: string[]): undefined {
  const listed = error instanceof VedetteError ? error.details['problems'] : undefined;
  if (!Array.isArray(listed)) throw error;
  problems.push(...listed.map(String));
}

/** Keys keep their order, so that the same input gives the same bytes. */
function withSums(
  written: ModelManifestInput,
  variants: readonly VariantFiles[],
  files: readonly PackageFile[],
): ModelManifestInput {
  const weights = variants.flatMap(({ files: [, ...beside] }) => beside);
  const sums = [...files, ...weights]
    .map(({ path, sha256 }) => [path, sha256] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...written,
    variants: written.variants.map((variant) => {
      const known = variants.find((one) => one.variant.name === variant.name);
      return known ? { ...variant, sha256: known.sha256 } : variant;
    }),
    ...(sums.length > 0 ? { files: Object.fromEntries(sums) } : {}),
  };
}
