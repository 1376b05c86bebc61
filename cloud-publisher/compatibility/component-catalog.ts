/** A dependency as a recipe states it; both kinds are installed, and both restrict the version. */
export interface Dependency {
  /** As npm reads it, such as `^1.0.0` or `>=1.0.0 <3.0.0`. */
  readonly range: string;
  readonly isSoft: boolean;
}

/** What one manifest of a recipe is for: attributes of the platform, of which each must hold. */
export type PlatformRule = Readonly<Record<string, string>>;

/** What a version needs of a device, as far as it is known. */
export interface ComponentNeeds {
  /** All artifacts of the manifest that a device takes, by its architecture; `*` for any other. */
  readonly artifactBytes?: Readonly<Record<string, number>>;
  readonly memoryMegabytes?: number;
  /** One of these suffices. */
  readonly executionProviders?: readonly string[];
  /** Oldest C library that its programs start with, such as `2.34`. */
  readonly glibc?: string;
}

/** What resolution has to know of a component version. */
export interface VersionFacts {
  readonly dependencies: ReadonlyMap<string, Dependency>;
  /** In the order of the recipe: a device takes the first that fits. */
  readonly platforms: readonly PlatformRule[];
  readonly needs: ComponentNeeds;
  /** `aws.greengrass.generic`, `aws.greengrass.plugin`, … */
  readonly type: string;
}

/** Components that can be chosen from. Versions never change once they are published. */
export interface ComponentCatalog {
  /** For people: where these components are. */
  readonly description: string;
  /** Whether devices get it from elsewhere, so that nothing is chosen for a dependency on it. */
  isProvided(component: string): boolean;
  /** Every version, in any order; none when there is no such component. */
  versions(component: string): Promise<readonly string[]>;
  /** @throws VedetteError COMPONENT_NOT_FOUND, RECIPE_INVALID */
  facts(component: string, version: string): Promise<VersionFacts>;
  /** What is known without asking anybody; makes explanations shorter, never different. */
  knownFacts(component: string, version: string): VersionFacts | undefined;
}
