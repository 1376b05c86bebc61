import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentCatalog } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';
import { demandsOf } from './device-limits.ts';
import { explainConflict } from './solver/explain-conflict.ts';
import { solve } from './solver/solve.ts';
import { isInRange } from './version-range.ts';

export interface Upgrade {
  readonly component: string;
  readonly version: string;
}

export interface UpgradeImpact {
  /** What would not be met any more, were nothing else changed. */
  readonly broken: readonly string[];
  /** What would have to change beside it, by component; `undefined` for one that goes or comes. */
  readonly changes: ReadonlyMap<string, { readonly from?: string; readonly to?: string }>;
  /** Why no versions go with it; none when some do. */
  readonly conflict: readonly string[];
}

/**
 * What breaks when one component of a lock goes to another version, and what would put it right.
 * @param roots components that are wanted for themselves; the others are there because these need them
 * @throws VedetteError COMPONENT_NOT_FOUND when there is no such version
 */
export async function upgradeImpact(
  lock: ReadonlyMap<string, string>,
  roots: ReadonlySet<string>,
  { component, version }: Upgrade,
  devices: readonly DeviceFacts[],
  catalog: ComponentCatalog,
): Promise<UpgradeImpact> {
  if (!(await catalog.versions(component)).includes(version)) {
    throw new VedetteError(
      'COMPONENT_NOT_FOUND',
      `there is no ${component} ${version} in ${catalog.description}`,
    );
  }
  const demands = demandsOf(devices, catalog);
  const broken = await brokenBy(lock, { component, version }, catalog, demands.isProvided);
  const wanted = new Map([...roots].map((name) => [name, '*']));
  wanted.set(component, version);
  const result = await solve({ wanted, preferred: lock, ...demands }, catalog);
  if (!result.isSolved) {
    return { broken, changes: new Map(), conflict: explainConflict(result.conflict) };
  }
  const changes = new Map<string, { from?: string; to?: string }>();
  for (const name of new Set([...lock.keys(), ...result.versions.keys()])) {
    const [from, to] = [lock.get(name), result.versions.get(name)];
    if (from === to || name === component) continue;
    changes.set(name, {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
  }
  return { broken, changes, conflict: [] };
}

async function brokenBy(
  lock: ReadonlyMap<string, string>,
  { component, version }: Upgrade,
  catalog: ComponentCatalog,
  isProvided: (name: string) => boolean = () => false,
): Promise<string[]> {
  const broken: string[] = [];
  for (const [name, locked] of lock) {
    if (name === component) continue;
    const wish = (await catalog.facts(name, locked)).dependencies.get(component);
    if (wish && !isInRange(version, wish.range)) {
      broken.push(`${name} ${locked} depends on ${component} ${wish.range}`);
    }
  }
  for (const [name, { range }] of (await catalog.facts(component, version)).dependencies) {
    const locked = lock.get(name);
    if (locked === undefined) {
      if (isProvided(name)) continue;
      broken.push(`${component} ${version} depends on ${name} ${range}, which is not there`);
    } else if (!isInRange(locked, range)) {
      broken.push(`${component} ${version} depends on ${name} ${range}, and there is ${locked}`);
    }
  }
  return broken;
}
