import { isBuiltIn } from './built-in-components.ts';
import type { ComponentCatalog, VersionFacts } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';
import { BYTES_PER_MEGABYTE, artifactBytesOn, deviceRefusal } from './device-refusal.ts';
import type { SharedLimit } from './solver/shared-limit.ts';
import type { SolveRequest } from './solver/solve.ts';

/** What devices demand of versions, for the solver: a version is taken when all of them can run it. */
export function demandsOf(
  devices: readonly DeviceFacts[],
  catalog: Pick<ComponentCatalog, 'isProvided'>,
): Pick<SolveRequest, 'refusal' | 'limits' | 'isProvided'> {
  return {
    isProvided: (component) =>
      catalog.isProvided(component) ||
      devices.every(({ nucleus }) => isBuiltIn(component, nucleus)),
    refusal: (facts) => devices.map((device) => deviceRefusal(facts, device)).find(Boolean),
    limits: devices.flatMap(limitsOf),
  };
}

function limitsOf(device: DeviceFacts): SharedLimit[] {
  const limits: SharedLimit[] = [];
  const { memoryMegabytes, freeDiskMegabytes, name } = device;
  if (memoryMegabytes !== undefined) {
    limits.push({
      needOf: ({ needs }: VersionFacts) => needs.memoryMegabytes,
      limit: memoryMegabytes,
      describe: (amount) => `${Math.ceil(amount)} MB of memory on ${name}`,
    });
  }
  if (freeDiskMegabytes !== undefined) {
    limits.push({
      needOf: (facts) => artifactBytesOn(facts, device),
      limit: freeDiskMegabytes * BYTES_PER_MEGABYTE,
      describe: (bytes) => `${Math.ceil(bytes / BYTES_PER_MEGABYTE)} MB of disk on ${name}`,
    });
  }
  return limits;
}
