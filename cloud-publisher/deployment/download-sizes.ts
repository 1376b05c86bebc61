import { VedetteError } from '../../component/contract/errors.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import type { PlatformRule } from '../compatibility/component-catalog.ts';
import { isForDevice } from '../compatibility/device-refusal.ts';
import type { CoreDevice } from '../greengrass/deployment-gateway.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import type { RecipeManifest } from '../recipe/read-recipe.ts';
import type { FleetDoors } from './fleet-doors.ts';

/** What a device downloads for a component version. */
export interface DownloadSize {
  readonly bytes: number;
  /** Artifacts whose size cannot be looked at, such as AWS' own. */
  readonly unknown: readonly string[];
}

/** What Greengrass lists of a core device; empty where it does not know. */
type ListedDevice = Pick<CoreDevice, 'platform' | 'architecture' | 'runtime'>;

const CALLS_AT_ONCE = 8;
const LITE = 'aws_nucleus_lite';
/** Codes of recipes that nothing can be said of. */
export const UNREADABLE: ReadonlySet<string> = new Set([
  'COMPONENT_NOT_FOUND',
  'AWS_ACCESS_DENIED',
  'RECIPE_INVALID',
]);
const NOTHING: DownloadSize = { bytes: 0, unknown: [] };

/** Looks at each recipe and artifact once, however many devices get it. */
export class DownloadSizes {
  readonly #doors: Pick<FleetDoors, 'components' | 'artifactBytes'>;
  readonly #manifests = new Map<string, readonly RecipeManifest[] | undefined>();
  readonly #bytes = new Map<string, number | undefined>();

  constructor(doors: Pick<FleetDoors, 'components' | 'artifactBytes'>) {
    this.#doors = doors;
  }

  /** Asks for what the versions consist of; `of` answers about these alone. */
  async load(versions: readonly { component: string; version: string }[]): Promise<void> {
    const wanted = new Map(versions.map((one) => [`${one.component} ${one.version}`, one]));
    const list = [...wanted].filter(([key]) => !this.#manifests.has(key));
    await inParallel(list.length, CALLS_AT_ONCE, async (index) => {
      const [key, { component, version }] = list[index]!;
      this.#manifests.set(key, await this.#manifestsOf(component, version));
    });
    const uris = [...this.#manifests.values()].flatMap((one) => (one ?? []).flatMap(urisOf));
    const missing = [...new Set(uris)].filter((uri) => !this.#bytes.has(uri));
    await inParallel(missing.length, CALLS_AT_ONCE, async (index) => {
      const uri = missing[index]!;
      const isInS3 = uri.startsWith('s3://');
      this.#bytes.set(uri, isInS3 ? await this.#doors.artifactBytes(uri) : undefined);
    });
  }

  of(component: string, version: string, device: ListedDevice): DownloadSize {
    const manifests = this.#manifests.get(`${component} ${version}`);
    if (manifests?.length === 0) return NOTHING;
    const manifest = manifests?.find(({ platform }) => isForListed(platform, device));
    // None may also be one whose pattern only a nucleus can read.
    if (!manifest) return { bytes: 0, unknown: [`${component} ${version}`] };
    let bytes = 0;
    const unknown: string[] = [];
    for (const uri of urisOf(manifest)) {
      const size = this.#bytes.get(uri);
      if (size === undefined) unknown.push(uri);
      else bytes += size;
    }
    return { bytes, unknown };
  }

  /** Nothing for a recipe that is not ours to read, such as AWS' own, or that cannot be read. */
  async #manifestsOf(
    component: string,
    version: string,
  ): Promise<readonly RecipeManifest[] | undefined> {
    try {
      const recipe = await this.#doors.components.recipe(component, version);
      return readRecipe(recipe, `${component} ${version}`).manifests;
    } catch (error) {
      const code = error instanceof VedetteError ? error.code : 'INTERNAL';
      if (UNREADABLE.has(code)) return undefined;
      throw error;
    }
  }
}

const urisOf = ({ artifacts }: RecipeManifest): string[] => artifacts.map(({ uri }) => uri);

/** As far as a core device's list names its platform: what it does not name speaks against nothing. */
function isForListed(
  rule: PlatformRule,
  { platform, architecture, runtime }: ListedDevice,
): boolean {
  const known = Object.entries(rule).filter(
    ([key]) => key === 'os' || key === 'runtime' || (key === 'architecture' && architecture !== ''),
  );
  const nucleus = runtime === LITE ? 'lite' : 'classic';
  const device = { os: platform, architecture, nucleus, attributes: {} } as const;
  return isForDevice(Object.fromEntries(known), device);
}
