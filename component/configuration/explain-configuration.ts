import type { ConfigurationLayer } from './configuration-layer.ts';
import type { LoadedConfiguration } from './load-configuration.ts';
import { redactSetting } from './redact-setting.ts';

export interface ExplainedSetting {
  readonly path: string;
  readonly value: unknown;
  /** Who set it: `default`, or the origin of the last layer that names it. */
  readonly origin: string;
}

/** Every setting in force with who set it, in the order of the schema, without secrets. */
export function explainConfiguration(loaded: LoadedConfiguration): ExplainedSetting[] {
  return leaves(loaded.config, []).map(({ keys, value }) => ({
    path: keys.join('.'),
    value: redactSetting(value, keys.join('.')),
    origin: loaded.layers.findLast((layer) => isNamed(layer, keys))?.origin ?? 'default',
  }));
}

function leaves(node: unknown, keys: readonly string[]): { keys: string[]; value: unknown }[] {
  const isBranch = typeof node === 'object' && node !== null && !Array.isArray(node);
  const children = isBranch ? Object.entries(node) : [];
  if (children.length === 0) return [{ keys: [...keys], value: node }];
  return children.flatMap(([key, value]) => leaves(value, [...keys, key]));
}

function isNamed(layer: ConfigurationLayer, keys: readonly string[]): boolean {
  let node: unknown = layer.tree;
  for (const key of keys) {
    if (typeof node !== 'object' || node === null || !(key in node)) return false;
    node = (node as Record<string, unknown>)[key];
  }
  return true;
}
