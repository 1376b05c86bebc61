import type { Recipe } from '../recipe/recipe-schema.ts';

/** Names that only AWS may use: its own components, which every account sees. */
export const PUBLIC_COMPONENT = /^aws\.greengrass\./;

/** As Greengrass names them; FAILED and DEPRECATED do not change any more by themselves. */
export type ComponentState = 'REQUESTED' | 'INITIATED' | 'DEPLOYABLE' | 'FAILED' | 'DEPRECATED';

export interface ComponentVersion {
  readonly arn: string;
  readonly component: string;
  readonly version: string;
  readonly state: ComponentState;
  /** Greengrass' own words, when it has any. */
  readonly message?: string;
  /** By artifact: what is wrong with it. */
  readonly errors: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ComponentSummary {
  readonly component: string;
  readonly latestVersion: string;
  readonly arn: string;
}

/** What a version holds. */
export interface ComponentDetails {
  readonly recipe: unknown;
  readonly tags: Readonly<Record<string, string>>;
}

/** A file of a version, wherever it lies. */
export interface ComponentArtifact {
  /** As the recipe has it. */
  readonly uri: string;
  readonly fileName: string;
  /** Absent for what is no file, such as a Docker image. */
  readonly sha256?: string;
}

export interface CreateRequest {
  readonly component: string;
  readonly version: string;
  readonly recipe: Recipe;
  readonly tags: Readonly<Record<string, string>>;
  /** Two requests with one token make one component. */
  readonly clientToken: string;
}

/** Component versions: in Greengrass, or in a folder. */
export interface ComponentGateway {
  /** For people and records: `greengrass in eu-west-1` or a folder's path. */
  readonly description: string;
  /** Whether a recipe that is deployable has the digest of each artifact. */
  readonly hasDigests: boolean;
  /** Calls that publishing a version would make, without making them. */
  plan(component: string, version: string): readonly string[];
  /** Whether devices have the component from elsewhere, such as AWS' own beside a folder. */
  isProvided(component: string): boolean;
  find(component: string, version: string): Promise<ComponentVersion | undefined>;
  /** Versions that exist, newest first; none for an unknown component. */
  versions(component: string): Promise<string[]>;
  /** Every component of the account or folder, by name. */
  list(): Promise<ComponentSummary[]>;
  /** As it is kept, which may be in other words than it was written. @throws VedetteError COMPONENT_NOT_FOUND */
  recipe(component: string, version: string): Promise<unknown>;
  /** Recipe and tags. @throws VedetteError COMPONENT_NOT_FOUND */
  details(component: string, version: string): Promise<ComponentDetails>;
  /** Of every platform. @throws VedetteError COMPONENT_NOT_FOUND, RECIPE_INVALID */
  artifacts(component: string, version: string): Promise<ComponentArtifact[]>;
  /** Gives a version the tags that it has not got because its publisher was killed; others stay. */
  completeTags(request: Pick<CreateRequest, 'component' | 'version' | 'tags'>): Promise<void>;
  /** @throws VedetteError COMPONENT_VERSION_EXISTS when a version with another token is there */
  create(request: CreateRequest): Promise<ComponentVersion>;
  /** Deployments that are in force and name the version, as people know them. */
  deploymentsWith(component: string, version: string): Promise<string[]>;
  remove(component: string, version: string): Promise<void>;
  close(): void;
}
