import { VedetteError } from '../../component/contract/errors.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { isObject } from './json-pointer.ts';

/** What a device downloads for a component version. */
export interface DownloadSize {
  readonly bytes: number;
  /** Artifacts whose size cannot be looked at, such as AWS' own. */
  readonly unknown: readonly string[];
}

export interface DevicePlatform {
  readonly platform: string;
  readonly architecture: string;
}

const CALLS_AT_ONCE = 8;
const NOTHING: DownloadSize = { bytes: 0, unknown: [] };

/** Looks at each recipe and artifact once, however many devices get it. */
export class DownloadSizes {
  readonly #doors: Pick<FleetDoors, 'components' | 'artifactBytes'>;
  readonly #manifests = new Map<string, readonly unknown[] | undefined>();
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

  of(component: string, version: string, device: DevicePlatform): DownloadSize {
    const manifests = this.#manifests.get(`${component} ${version}`);
    if (!manifests) return { bytes: 0, unknown: [`${component} ${version}`] };
    const manifest = manifests.find((one) => isForPlatform(one, device));
    if (manifest === undefined) return NOTHING;
    let bytes = 0;
    const unknown: string[] = [];
    for (const uri of urisOf(manifest)) {
      const size = this.#bytes.get(uri);
      if (size === undefined) unknown.push(uri);
      else bytes += size;
    }
    return { bytes, unknown };
  }

  /** Nothing for a component that is not of this account: AWS' own recipes are not ours to read. */
  async #manifestsOf(component: string, version: string): Promise<readonly unknown[] | undefined> {
    try {
      const recipe = await this.#doors.components.recipe(component, version);
      const manifests = field(recipe, 'Manifests');
      return Array.isArray(manifests) ? manifests : [];
    } catch (error) {
      const code = error instanceof VedetteError ? error.code : 'INTERNAL';
      if (code === 'COMPONENT_NOT_FOUND' || code === 'AWS_ACCESS_DENIED') return undefined;
      throw error;
    }
  }
}

/** Greengrass may give keys in another case. */
function field(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  const key = Object.keys(value).find((one) => one.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : value[key];
}

function urisOf(manifest: unknown): string[] {
  const artifacts = field(manifest, 'Artifacts');
  if (!Array.isArray(artifacts)) return [];
  return artifacts.flatMap((one: unknown) => {
    const uri = field(one, 'Uri');
    return typeof uri === 'string' ? uri : [];
  });
}

/** As far as a core device's list names its platform: the first manifest that fits is the one. */
function isForPlatform(manifest: unknown, { platform, architecture }: DevicePlatform): boolean {
  const wanted = field(manifest, 'Platform');
  return (
    fits(field(wanted, 'os'), platform) &&
    (architecture === '' || fits(field(wanted, 'architecture'), architecture))
  );
}

function fits(pattern: unknown, value: string): boolean {
  if (typeof pattern !== 'string' || pattern === '*') return true;
  const expression = /^\/(.+)\/$/.exec(pattern)?.[1];
  if (expression === undefined) return pattern === value;
  return new RegExp(`^(?:${expression})$`).test(value);
}
