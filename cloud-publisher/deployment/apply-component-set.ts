import { isDeepStrictEqual } from 'node:util';
import { VedetteError } from '../../component/contract/errors.ts';
import type { DeployedComponents } from '../greengrass/deployment-gateway.ts';
import type { ComponentSet, ComponentSettings } from './component-set.ts';
import { deepMerge, isObject, leavesOf, withoutPointer } from './json-pointer.ts';

type DeployedComponent = DeployedComponents[string];

export interface ConfigurationChange {
  readonly pointer: string;
  /** Absent when no deployment has set it before. */
  readonly before?: unknown;
  readonly after: unknown;
}

export interface ComponentChange {
  readonly component: string;
  readonly kind: 'added' | 'changed' | 'removed' | 'configured';
  readonly from?: string;
  readonly to?: string;
  readonly configuration: readonly ConfigurationChange[];
  /** Pointers that go back to the defaults of the version. */
  readonly reset: readonly string[];
}

export interface AppliedSet {
  readonly components: DeployedComponents;
  readonly changes: readonly ComponentChange[];
}

/**
 * What the target is to have: what it has, with the set put in and some components taken out. What
 * others put there stays to the letter. Configuration that a deployment set before is carried on,
 * because a device that joins the group later gets this deployment alone; resets are not, because
 * they were for the devices of their time.
 */
export function applyComponentSet(
  base: DeployedComponents,
  set: ComponentSet,
  remove: readonly string[] = [],
): AppliedSet {
  const components: Record<string, DeployedComponent> = { ...base };
  const changes: ComponentChange[] = [];
  for (const component of remove) {
    const before = base[component];
    if (!before) continue;
    delete components[component];
    const from = before.componentVersion ?? '';
    changes.push({ component, kind: 'removed', from, configuration: [], reset: [] });
  }
  for (const [component, settings] of Object.entries(set)) {
    const before = base[component];
    const after = deployedComponent(component, before, settings);
    components[component] = after;
    if (before && isDeepStrictEqual(withoutResets(before), after)) continue;
    changes.push(changeOf(component, before, after, settings.reset ?? []));
  }
  return { components, changes };
}

function deployedComponent(
  component: string,
  before: DeployedComponent | undefined,
  { version, merge, reset, runWith }: ComponentSettings,
): DeployedComponent {
  const kept = (reset ?? []).reduce(withoutPointer, mergeOf(component, before) as unknown);
  const whole = merge === undefined ? kept : deepMerge(kept ?? {}, merge);
  const hasMerge = isObject(whole) && Object.keys(whole).length > 0;
  const user = runWith === undefined ? before?.runWith : runWith;
  return {
    componentVersion: version,
    ...(hasMerge || reset
      ? {
          configurationUpdate: {
            ...(hasMerge ? { merge: JSON.stringify(whole) } : {}),
            ...(reset ? { reset: [...reset] } : {}),
          },
        }
      : {}),
    ...(user ? { runWith: user } : {}),
  };
}

/** @throws VedetteError DEPLOYMENT_INVALID when the target holds a merge that is no JSON object */
export function mergeOf(
  component: string,
  deployed: DeployedComponent | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const text = deployed?.configurationUpdate?.merge;
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  throw new VedetteError(
    'DEPLOYMENT_INVALID',
    `the target's deployment has a merge of ${component} that is no JSON object; correct it there first`,
  );
}

/** What devices get that come later: resets were for those of their time. */
export function withoutResets({
  configurationUpdate,
  ...rest
}: DeployedComponent): DeployedComponent {
  const merge = configurationUpdate?.merge;
  return { ...rest, ...(merge === undefined ? {} : { configurationUpdate: { merge } }) };
}

function changeOf(
  component: string,
  before: DeployedComponent | undefined,
  after: DeployedComponent,
  reset: readonly string[],
): ComponentChange {
  const old = leavesOf(mergeOf(component, before));
  const configuration = [...leavesOf(mergeOf(component, after))].flatMap(([pointer, value]) => {
    if (old.has(pointer) && isDeepStrictEqual(old.get(pointer), value)) return [];
    return old.has(pointer)
      ? { pointer, before: old.get(pointer), after: value }
      : { pointer, after: value };
  });
  const [from, to] = [before?.componentVersion, after.componentVersion];
  const kind = !before ? 'added' : from === to ? 'configured' : 'changed';
  return {
    component,
    kind,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    configuration,
    reset,
  };
}
