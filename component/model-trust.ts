import type { ModelTrust } from './inference/model-host.ts';
import type { Registry } from './registry/registry.ts';

/** The registry's memory of models that passed their first run on this device. */
export const modelTrust = (registry: Registry): ModelTrust => ({
  isTrusted: async (sha256, variant, runtimeVersion) =>
    (await registry.trustedModel(sha256, variant, runtimeVersion)) !== undefined,
  record: async ({ manifest, sha256, variant }, runtimeVersion) => {
    const probedAtMs = Date.now();
    await registry.upsertModel({
      name: manifest.name,
      version: manifest.version,
      sha256,
      variant: variant.name,
      manifest: JSON.stringify(manifest),
      probedAtMs,
    });
    await registry.recordProbe({ sha256, variant: variant.name, runtimeVersion, probedAtMs });
  },
});
