import type { VersionFacts } from './component-catalog.ts';

/** What a nucleus will choose, or the sentence with which it will fail. */
export type Simulation =
  | { readonly isResolved: true; readonly versions: ReadonlyMap<string, string> }
  | { readonly isResolved: false; readonly reason: string };

export interface NucleusRequest {
  /** Components that the deployment names, with version or range, in its order. */
  readonly roots: ReadonlyMap<string, string>;
  /** Components that deployments to other groups of the device name. */
  readonly otherRoots?: ReadonlyMap<string, string>;
  /** What runs on the device now, by component. */
  readonly installed?: ReadonlyMap<string, string>;
}

/** What the cloud offers a device. */
export interface Offers {
  isProvided(component: string): boolean;
  newest(component: string, ranges: readonly string[]): Promise<string | undefined>;
  facts(component: string, version: string): Promise<VersionFacts>;
}

/** Who wants which versions of a component, as in `a deployment 1.0.0 and A ^1.2.0`. */
export const wishesText = (wishes: Iterable<readonly [who: string, range: string]>): string =>
  [...wishes].map(([who, range]) => `${who} asks for ${range}`).join(', ') || 'any version';
