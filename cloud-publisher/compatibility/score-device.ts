import type { ComponentCatalog } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';
import { demandsOf } from './device-limits.ts';
import { BYTES_PER_MEGABYTE, artifactBytesOn, deviceRefusal } from './device-refusal.ts';
import { simulateNucleus } from './simulate-nucleus.ts';
import { sortVersions } from './version-range.ts';

/** How well chosen versions suit a device. */
export interface DeviceScore {
  readonly device: string;
  /** 0 when it cannot run them; else 100, less what the reasons say. */
  readonly score: number;
  readonly reasons: readonly string[];
}

const TIGHT_FRACTION = 0.8;
const LESS = { tight: 20, unknown: 10, older: 5 } as const;
/** What can be run at all never comes to 0. */
const LEAST = 1;

/** @throws VedetteError of the catalogue */
export async function scoreDevice(
  versions: ReadonlyMap<string, string>,
  device: DeviceFacts,
  catalog: ComponentCatalog,
): Promise<DeviceScore> {
  const against = await reasonsAgainst(versions, device, catalog);
  if (against.length > 0) return { device: device.name, score: 0, reasons: against };
  const reasons: { readonly less: number; readonly text: string }[] = [];
  const sums = await needsOf(versions, device, catalog);
  const check = (what: string, need: number, there: number | undefined): void => {
    if (need === 0) return;
    if (there === undefined) {
      reasons.push({
        less: LESS.unknown,
        text: `needs ${need} MB of ${what}, and nobody said how much there is (-${LESS.unknown})`,
      });
    } else if (need > there * TIGHT_FRACTION) {
      reasons.push({
        less: LESS.tight,
        text: `needs ${need} of ${there} MB of ${what} (-${LESS.tight})`,
      });
    }
  };
  check('memory', sums.memoryMegabytes, device.memoryMegabytes);
  check('disk', sums.diskMegabytes, device.freeDiskMegabytes);
  if (sums.unknown.length > 0) {
    reasons.push({
      less: LESS.unknown,
      text: `what ${sums.unknown.join(', ')} needs is not known (-${LESS.unknown})`,
    });
  }
  for (const [name, version] of versions) {
    const newer = await newerFor(name, version, device, catalog);
    if (newer === undefined) continue;
    reasons.push({
      less: LESS.older,
      text: `${name} ${newer} is newer than ${version} (-${LESS.older})`,
    });
  }
  const less = reasons.reduce((sum, reason) => sum + reason.less, 0);
  return {
    device: device.name,
    score: Math.max(LEAST, 100 - less),
    reasons: reasons.map(({ text }) => text),
  };
}

/** Everything for which a device cannot run these versions. */
export async function reasonsAgainst(
  versions: ReadonlyMap<string, string>,
  device: DeviceFacts,
  catalog: ComponentCatalog,
): Promise<string[]> {
  const reasons: string[] = [];
  for (const [name, version] of versions) {
    const refusal = deviceRefusal(await catalog.facts(name, version), device);
    if (refusal !== undefined) reasons.push(`${name} ${version} ${refusal}`);
  }
  if (reasons.length > 0) return reasons;
  const { limits = [] } = demandsOf([device], catalog);
  for (const { needOf, limit, describe } of limits) {
    let sum = 0;
    for (const [name, version] of versions) {
      sum += needOf(await catalog.facts(name, version)) ?? 0;
    }
    if (sum > limit)
      reasons.push(`all together need ${describe(sum)}, and there is ${describe(limit)}`);
  }
  const simulation = await simulateNucleus({ roots: versions }, device, catalog);
  if (!simulation.isResolved) reasons.push(simulation.reason);
  return reasons;
}

async function needsOf(
  versions: ReadonlyMap<string, string>,
  device: DeviceFacts,
  catalog: ComponentCatalog,
) {
  let [memoryMegabytes, bytes] = [0, 0];
  const unknown: string[] = [];
  for (const [name, version] of versions) {
    const facts = await catalog.facts(name, version);
    const artifactBytes = artifactBytesOn(facts, device);
    if (artifactBytes === undefined) unknown.push(name);
    memoryMegabytes += facts.needs.memoryMegabytes ?? 0;
    bytes += artifactBytes ?? 0;
  }
  return { memoryMegabytes, diskMegabytes: Math.ceil(bytes / BYTES_PER_MEGABYTE), unknown };
}

async function newerFor(
  name: string,
  version: string,
  device: DeviceFacts,
  catalog: ComponentCatalog,
): Promise<string | undefined> {
  const sorted = sortVersions(await catalog.versions(name));
  const newest = sorted.findLast((one) => !one.includes('-'));
  if (newest === undefined || sorted.indexOf(newest) <= sorted.indexOf(version)) return undefined;
  const refusal = deviceRefusal(await catalog.facts(name, newest), device);
  return refusal === undefined ? newest : undefined;
}
