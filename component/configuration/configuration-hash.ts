import { createHash } from 'node:crypto';
import { isMap } from './configuration-layer.ts';

const DIGITS = 16;

/** Names a configuration by its values, in whatever order they were written. */
export function configurationHash(config: object): string {
  const text = JSON.stringify(config, (_, value: unknown) =>
    isMap(value) ? sorted(value) : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, DIGITS);
}

const sorted = (map: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
