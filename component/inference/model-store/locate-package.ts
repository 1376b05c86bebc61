import { stat } from 'node:fs/promises';
import { VedetteError } from '../../contract/errors.ts';
import { parseModelReference } from '../../contract/model-manifest.ts';
import { identityOf } from '../package/dda-manifest.ts';
import type { ReadOptions } from '../package/read-package.ts';
import { thisMachine } from './install-model.ts';
import type { InstalledModel } from './installed-model.ts';
import type { ModelStore } from './model-store.ts';

/** Where the files of a configured package lie, and what is known of it. */
export interface LocatedPackage extends ReadOptions {
  readonly folder: string;
  /** Variants that passed their first run and golden pictures when it was installed. */
  readonly passed: readonly string[];
  /** Its files are no longer read. */
  release(): Promise<void>;
}

const nothing = () => Promise.resolve();

/**
 * A package as the configuration names it: an installed `name@version`, whose files are compared with
 * their sha256; a folder; or an archive, which is unpacked for as long as it is used.
 * @throws VedetteError MODEL_NOT_INSTALLED, MODEL_STORE_CORRUPT, MODEL_ARCHIVE_…, STORAGE_FULL,
 * MODEL_STORE_UNAVAILABLE
 */
export async function locatePackage(
  named: string,
  store: ModelStore | undefined,
  signal?: AbortSignal,
): Promise<LocatedPackage> {
  const reference = parseModelReference(named);
  if (reference) {
    const model = await required(store).find(reference);
    await required(store).verify(model);
    const preferred = await measuredHere(model);
    return {
      folder: model.folder,
      passed: ranHere(model),
      identity: reference,
      preferred,
      release: nothing,
    };
  }
  const isFile = await stat(named).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return { folder: named, passed: [], release: nothing };
  const staged = await required(store).stage(named, signal);
  return {
    folder: staged.folder,
    passed: [],
    identity: identityOf(named),
    release: () => required(store).discard(staged),
  };
}

/** What was measured on another processor or with another ONNX Runtime does not count here. */
async function measuredHere(model: InstalledModel): Promise<ReadOptions['preferred']> {
  const { processor, runtimeVersion } = await thisMachine();
  const { measuredOn, variant, variantReason } = model;
  const holds = measuredOn.processor === processor && measuredOn.runtimeVersion === runtimeVersion;
  const measured = model.measurements.find((one) => one.variant === variant);
  const { executionProvider = 'cpu' } = measured ?? {};
  return holds ? { variant, reason: variantReason, executionProvider } : undefined;
}

const ranHere = ({ measurements }: InstalledModel): string[] =>
  measurements.flatMap((one) => (one.medianRunMs === undefined ? [] : [one.variant]));

function required(store: ModelStore | undefined): ModelStore {
  if (store) return store;
  throw new VedetteError('INTERNAL', 'installed models and archives need a model store');
}
