import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import { isModelReference } from './contract/model-manifest.ts';
import { ModelChain } from './inference/chain/model-chain.ts';
import type { ModelHost } from './inference/model-host.ts';
import type { VersionSettings } from './inference/versions/version-roles.ts';
import { workerCount } from './inference/worker-count.ts';
import type { CandidateWatch } from './pipeline/candidate/candidate-watch.ts';

/** A model and what is found out about its candidate. */
export interface FleetModel {
  readonly host: ModelHost;
  readonly candidates: CandidateWatch;
}

/**
 * `auto` workers are counted when a model is configured: those that run are not loaded anew because
 * another one came.
 */
export function settingsOf(name: string, { models, limits }: RuntimeConfig): VersionSettings {
  const configured = models[name]!;
  const workers = workerCount(configured, Object.keys(models).length);
  return { config: { ...configured, workers }, maxImagePixels: limits.maxImagePixels };
}

export function chainsOf(
  config: RuntimeConfig,
  models: ReadonlyMap<string, FleetModel>,
): Map<string, ModelChain> {
  const parts = {
    host: (model: string) => models.get(model)!.host,
    tiling: (model: string) => config.models[model]?.tiling,
  };
  return new Map(
    Object.entries(config.chains).map(([name, chain]) => [
      name,
      new ModelChain(name, chain, parts),
    ]),
  );
}

/** A model that is not installed yet is waited for; any other fault is one of the configuration. */
export async function startAdded({ host }: FleetModel): Promise<undefined> {
  await host.start();
  const { state, reason, lifecycle } = host.status();
  if (state !== 'failed' || reason === undefined) return;
  const isAwaited = isModelReference(lifecycle?.active.package ?? '');
  if (isAwaited && reason.code === 'MODEL_NOT_INSTALLED') return;
  throw VedetteError.deserialize(reason);
}

/** @throws VedetteError MODEL_NOT_FOUND, REQUEST_INVALID for a chain */
export function modelIn(
  models: ReadonlyMap<string, FleetModel>,
  chains: ReadonlyMap<string, ModelChain>,
  name: string,
): FleetModel {
  const model = models.get(name);
  if (model) return model;
  if (chains.has(name)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `${name} is a chain of models, which has no tensors and no versions of its own; ask POST /api/v1/models/${name}/infer, or one of its models`,
    );
  }
  const names = [...models.keys()].slice(0, 20).join(', ');
  const known = names === '' ? 'none is configured' : `configured are ${names}`;
  throw new VedetteError('MODEL_NOT_FOUND', `No model is named ${name}; ${known}`);
}
