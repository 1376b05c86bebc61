import type { ModelTrust } from './inference/model-host.ts';
import type { ModelPackage } from './inference/package/read-package.ts';
import type { RegistryModel } from './contract/ports.ts';
import type { Registry } from './registry/registry.ts';

/** The registry's memory of models that passed their first run on this device. */
export const modelTrust = (registry: Registry): ModelTrust => ({
  isTrusted: async (sha256, variant, runtimeVersion) =>
    (await registry.trustedModel(sha256, variant, runtimeVersion)) !== undefined,
  record: ({ sha256, variant }, runtimeVersion) =>
    registry.recordProbe({
      sha256,
      variant: variant.name,
      runtimeVersion,
      probedAtMs: Date.now(),
    }),
});

/** A model version as the registry keeps it. */
export const registered = ({ manifest, sha256, variant }: ModelPackage): RegistryModel => ({
  name: manifest.name,
  version: manifest.version,
  sha256,
  variant: variant.name,
  manifest: JSON.stringify(manifest),
});
