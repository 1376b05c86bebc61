import type { ComponentCatalog } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';
import { isForDevice } from './device-refusal.ts';
import type { NucleusRequest, Offers, Simulation } from './nucleus-request.ts';
import { simulateClassic } from './simulate-classic.ts';
import { simulateLite } from './simulate-lite.ts';
import { isInRange, sortVersions } from './version-range.ts';

/**
 * Resolves as the nucleus does: greedily, without going back on a choice. So it may fail where the
 * solver finds versions that go together; what it chooses is what runs. The cloud is taken to offer
 * the newest version in all ranges that has a manifest for the device.
 * @throws VedetteError of the catalogue
 */
export function simulateNucleus(
  request: NucleusRequest,
  device: DeviceFacts,
  catalog: ComponentCatalog,
): Promise<Simulation> {
  const offers: Offers = {
    isProvided: (component) => catalog.isProvided(component),
    facts: (component, version) => catalog.facts(component, version),
    async newest(component, ranges) {
      const inRange = sortVersions(await catalog.versions(component)).filter((version) =>
        ranges.every((range) => isInRange(version, range)),
      );
      for (const version of inRange.toReversed()) {
        const { platforms } = await catalog.facts(component, version);
        if (platforms.some((rule) => isForDevice(rule, device))) return version;
      }
      return undefined;
    },
  };
  return device.nucleus === 'lite'
    ? simulateLite(request, offers)
    : simulateClassic(request, offers);
}
