import { isBuiltIn } from './built-in-components.ts';
import type { NucleusRequest, Offers, Simulation } from './nucleus-request.ts';
import { isInRange } from './version-range.ts';

/** Room for components in a resolution. */
const MAX_COMPONENTS = 64;
/**
 * Nucleus lite (2.6, ggdeploymentd): components in the order in which they are named; each is chosen
 * once. What runs on the device and is in range is kept, without asking the cloud. A wish that comes
 * after the choice either holds or fails the deployment; one that comes before is written behind those
 before it.
 */
export async function simulateLite(
  { roots, otherRoots = new Map(), installed = new Map() }: NucleusRequest,
  offers: Offers,
): Promise<Simulation> {
  const wishes = new Map(roots);
  for (const [name, version] of otherRoots) {
    const known = wishes.get(name);
    if (known !== undefined && known !== version) {
      return failure(
        `two deployments name ${name}, one ${known} and one ${version}, and nucleus lite takes one version`,
      );
    }
    wishes.set(name, version);
  }
  const chosen = new Map<string, string>();
  // A map gives entries that are added while it is walked through, too.
  for (const [name, range] of wishes) {
    if (wishes.size > MAX_COMPONENTS) {
      return failure(`nucleus lite has room for ${MAX_COMPONENTS} components in a deployment`);
    }
    const running = installed.get(name);
    const version =
      running !== undefined && isInRange(running, range)
        ? running
        : await offers.newest(name, [range]);
    if (version === undefined) {
      return failure(`the nucleus finds no version of ${name} in ${range}`);
    }
    chosen.set(name, version);
    const { dependencies } = await offers.facts(name, version);
    for (const [dependency, wish] of dependencies) {
      if (isBuiltIn(dependency, 'lite') || offers.isProvided(dependency)) continue;
      const earlier = chosen.get(dependency);
      if (earlier === undefined) {
        const known = wishes.get(dependency);
        wishes.set(dependency, known === undefined ? wish.range : `${known} ${wish.range}`);
      } else if (!isInRange(earlier, wish.range)) {
        return failure(
          `the nucleus chose ${dependency} ${earlier} before it came to ${name} ${version}, which depends on ${wish.range}`,
        );
      }
    }
  }
  return { isResolved: true, versions: chosen };
}

const failure = (reason: string): Simulation => ({ isResolved: false, reason });
