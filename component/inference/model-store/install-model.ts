import { cpus } from 'node:os';
import { VedetteError } from '../../contract/errors.ts';
import type { ModelVariant } from '../../contract/model-manifest.ts';
import { providerNames } from '../execution/execution-setup.ts';
import { checkForeignVariant } from '../package/check-foreign-variant.ts';
import { identityOf } from '../package/dda-manifest.ts';
import type { PackageIdentity } from '../package/dda-manifest.ts';
import { packageInvalid } from '../package/package-invalid.ts';
import { whyNotHere } from '../package/pick-variant.ts';
import { readManifest } from '../package/read-manifest.ts';
import { readPackage } from '../package/read-package.ts';
import { runProbe } from '../run-probe.ts';
import type { ProbeLimits } from '../run-probe.ts';
import { runtimeVersion } from '../runtime-version.ts';
import { chooseVariant } from './choose-variant.ts';
import type { InstalledModel, VariantMeasurement } from './installed-model.ts';
import type { ModelStore } from './model-store.ts';

/** Enough for a median that one disturbed run does not move. */
const MEASURED_RUNS = 7;

export interface InstallOptions {
  /** For a DDA package, which does not know its own; refused for others. */
  readonly identity?: PackageIdentity;
  readonly probe: ProbeLimits;
  /** Told what is being done. */
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What measurements of this machine hold for. */
export async function thisMachine(): Promise<InstalledModel['measuredOn']> {
  return {
    processor: cpus()[0]?.model ?? process.arch,
    runtimeVersion: await runtimeVersion(),
  };
}

/**
 * Installs a package (folder or archive): copies it, checks every variant, tries those that are for
 * this machine in the probe (first run, golden pictures, time), chooses one, and makes the version
 * appear in one step. Whatever fails leaves nothing behind. Without `probe.execution` it is not known
 * what the model is going to run on: one that is for an accelerator alone is installed untried.
 * @throws VedetteError of the store, of reading the package, and of the probe when no variant runs
 */
export async function installModel(
  store: ModelStore,
  source: string,
  options: InstallOptions,
): Promise<{ readonly isNew: boolean; readonly model: InstalledModel }> {
  const { onProgress = () => undefined, signal } = options;
  onProgress(`copying ${source}`);
  const staged = await store.stage(source, signal);
  try {
    const identity = options.identity ?? identityOf(source);
    const { manifest } = await readManifest(staged.folder, identity);
    requireOwnName(manifest, options.identity, source);
    const measurements: VariantMeasurement[] = [];
    const faults: unknown[] = [];
    for (const variant of manifest.variants) {
      onProgress(`trying ${manifest.name} ${manifest.version}, variant ${variant.name}`);
      const { measurement, fault } = await measure(staged.folder, variant, identity, options);
      measurements.push(measurement);
      if (fault !== undefined) faults.push(fault);
    }
    const untried = untriedOf(manifest.variants, options.probe);
    if (
      measurements.every(({ medianRunMs }) => medianRunMs === undefined) &&
      (faults.length > 0 || !untried)
    ) {
      if (faults.length > 0) throw faults[0];
      const problems = measurements.map(
        ({ variant, problem }) => `variants: '${variant}' ${problem}`,
      );
      throw packageInvalid(source, problems);
    }
    const hasRun = measurements.some(({ medianRunMs }) => medianRunMs !== undefined);
    const { variant, reason } = hasRun || !untried ? chooseVariant(measurements) : untried;
    const { name, version } = manifest;
    const facts = { name, version, variant, variantReason: reason, measurements };
    return await store.commit(staged, { ...facts, measuredOn: await thisMachine() });
  } finally {
    await store.discard(staged);
  }
}

function requireOwnName(
  { name, version }: PackageIdentity,
  wanted: PackageIdentity | undefined,
  source: string,
): void {
  if (!wanted || (wanted.name === name && wanted.version === version)) return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `${source} says of itself that it is ${name}@${version}: name and version can only be given to a package that has none`,
    { details: { name, version } },
  );
}

/** For an accelerator that a model may have, which is not known here. */
const isUntried = (variant: ModelVariant, { execution }: ProbeLimits): boolean =>
  execution === undefined &&
  whyNotHere(variant) !== undefined &&
  whyNotHere(variant, variant.executionProviders) === undefined;

const notTried = ({ executionProviders = [] }: ModelVariant): string =>
  `not tried: for ${executionProviders.join(' or ')}`;

function untriedOf(variants: readonly ModelVariant[], probe: ProbeLimits) {
  const variant = variants.find((one) => isUntried(one, probe));
  return variant && { variant: variant.name, reason: notTried(variant) };
}

/** A file that does not fit ends the installation; one that does not run here is noted. */
async function measure(
  folder: string,
  variant: ModelVariant,
  identity: PackageIdentity,
  { probe, signal }: InstallOptions,
): Promise<{ readonly measurement: VariantMeasurement; readonly fault?: unknown }> {
  const { name } = variant;
  const providers = providerNames(probe.execution?.providers ?? []);
  const elsewhere = whyNotHere(variant, providers);
  if (elsewhere !== undefined) {
    await checkForeignVariant(folder, variant);
    const problem = isUntried(variant, probe) ? notTried(variant) : elsewhere;
    return { measurement: { variant: name, problem } };
  }
  const model = await readPackage(folder, name, { identity, providers });
  try {
    const report = await runProbe(model, { ...probe, measuredRuns: MEASURED_RUNS }, signal);
    const { executionProvider, firstRunMs, medianRunMs = firstRunMs } = report;
    const on = executionProvider === 'cpu' ? {} : { executionProvider };
    return { measurement: { variant: name, medianRunMs, ...on } };
  } catch (error) {
    if (signal?.aborted) throw error;
    const { code, message } = VedetteError.from(error);
    return { measurement: { variant: name, problem: `${code}: ${message}` }, fault: error };
  }
}
