import { urisOf } from './publish-component.ts';
import type { PublicationDoors } from './publish-component.ts';
import type { ComponentRelease } from './component-release.ts';

/** Every call that publishing would make, one a line; the recipe is checked as it would be. */
export function planPublication(
  release: ComponentRelease,
  { store, gateway }: Pick<PublicationDoors, 'store' | 'gateway'>,
): string[] {
  const { component, version, artifacts } = release;
  release.recipe(urisOf(release, store));
  const [first = [], ...rest] = gateway.plan(component, version).map((call) => [call]);
  const uploads = artifacts.flatMap(({ archive, key }) =>
    store.plan(archive, { component, version, key }),
  );
  return rest.length > 0 ? [...first, ...uploads, ...rest.flat()] : [...uploads, ...first];
}
