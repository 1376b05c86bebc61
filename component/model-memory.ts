import type { ModelTrust } from './inference/model-host.ts';
import type { ModelPackage } from './inference/package/read-package.ts';
import type { RegistryModel } from './contract/ports.ts';
import type { VersionStore } from './inference/versions/version-memory.ts';
import type { Registry } from './registry/registry.ts';

/** The registry's memory of models that passed their first run on this device. */
export const modelTrust = (registry: Registry): ModelTrust => ({
  isTrusted: (fingerprint, runtimeVersion) => registry.hasPassedProbe(fingerprint, runtimeVersion),
  record: (fingerprint, runtimeVersion) =>
    registry.recordProbe({ fingerprint, runtimeVersion, probedAtMs: Date.now() }),
});

/** The registry's memory of which version of a model runs. */
export const versionStore = (registry: Registry, model: string): VersionStore => ({
  recall: () => registry.recallModel(model),
  remember: (remembered) => registry.rememberModel(model, remembered),
});

/** A model version as the registry keeps it. */
export const registered = ({ manifest, sha256, variant }: ModelPackage): RegistryModel => ({
  name: manifest.name,
  version: manifest.version,
  sha256,
  variant: variant.name,
  manifest: JSON.stringify(manifest),
});
