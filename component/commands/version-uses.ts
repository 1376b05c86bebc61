import type { RuntimeConfig } from '../contract/config.ts';
import { rememberedModels } from '../registry/remembered-models.ts';

/**
 * What an installed version is needed for: it is configured, or a model remembers it as the one that
 * runs, that ran before, or that is tried.
 * @param version name@version
 * @param isWhole whether `config` has every model of the data folder: what is remembered of others,
 * and of those that are configured otherwise by now, does not hold any longer then
 * @returns in words; nothing when it can be removed
 * @throws VedetteError REGISTRY_UNAVAILABLE
 */
export function usesOf(
  version: string,
  { models, dataFolder }: Pick<RuntimeConfig, 'models' | 'dataFolder'>,
  isWhole: boolean,
): string[] {
  const uses = Object.entries(models).flatMap(([name, model]) =>
    model.package === version ? [`is configured as models.${name}`] : [],
  );
  for (const [name, remembered] of rememberedModels(dataFolder)) {
    const { configuredPackage, activePackage, previousPackage, candidate } = remembered;
    if (isWhole && models[name]?.package !== configuredPackage) continue;
    if (activePackage === version) uses.push(`runs as model '${name}'`);
    if (previousPackage === version) uses.push(`is what model '${name}' goes back to`);
    if (candidate?.package === version) uses.push(`is the candidate of model '${name}'`);
  }
  return uses;
}
