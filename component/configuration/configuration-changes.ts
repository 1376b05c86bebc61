import type { z } from 'zod';
import { runtimeConfigSchema, type RuntimeConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import { ownRestart, type Restart } from '../contract/config-values.ts';
import { isMap } from './configuration-layer.ts';

/** A value that differs, and what it takes until the new one is in force. */
export interface ConfigurationChange {
  readonly keys: readonly string[];
  readonly restart: Restart | undefined;
}

/** Every leaf that differs. What was added or taken away as a whole is one change. */
export function configurationChanges(
  before: RuntimeConfig,
  after: RuntimeConfig,
): ConfigurationChange[] {
  return differences(before, after, []).map((keys) => ({ keys, restart: restartOf(keys) }));
}

export const pathOf = ({ keys }: ConfigurationChange): string => keys.join('.');

export const needsProcess = (before: RuntimeConfig, after: RuntimeConfig): boolean =>
  configurationChanges(before, after).some(({ restart }) => restart === 'process');

/** @throws VedetteError CONFIG_NEEDS_RESTART when one of them takes another process */
export function requireNoRestart(changes: readonly ConfigurationChange[]): void {
  const paths = changes.filter(({ restart }) => restart === 'process').map(pathOf);
  if (paths.length === 0) return;
  throw new VedetteError(
    'CONFIG_NEEDS_RESTART',
    `${paths.join(', ')} can only change when the process starts again`,
    { details: { paths } },
  );
}

/** What a change of a value restarts: as the schema says of it or of what it stands in. */
export function restartOf(keys: readonly string[]): Restart | undefined {
  return restartIn(runtimeConfigSchema, keys);
}

function differences(before: unknown, after: unknown, keys: readonly string[]): string[][] {
  if (isMap(before) && isMap(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => differences(before[name], after[name], [...keys, name]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [[...keys]];
}

function restartIn(schema: z.core.$ZodType, keys: readonly string[]): Restart | undefined {
  const own = ownRestart(schema);
  if (own !== undefined) return own;
  const { def } = schema._zod as { def: AnyDef };
  const inner = def.innerType ?? (def.type === 'pipe' ? def.out : undefined);
  if (inner) return restartIn(inner, keys);
  const [key, ...rest] = keys;
  if (key === undefined) return undefined;
  if (def.valueType) return restartIn(def.valueType, rest);
  const child = def.shape?.[key];
  if (child) return restartIn(child, rest);
  for (const option of def.options ?? []) {
    const restart = restartIn(option, keys);
    if (restart !== undefined) return restart;
  }
  return undefined;
}

/** What definitions of zod's schemas hold of other schemas, whichever they have. */
interface AnyDef {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly out?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly options?: readonly z.core.$ZodType[];
}
