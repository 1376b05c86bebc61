import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { syncFolder, writeSyncedFile } from '../../component/inference/package/synced-file.ts';
import { checkRecipe } from '../recipe/check-recipe.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import { CONTENT_TAG, contentSha256, fileNameOf } from '../recipe/recipe-content.ts';
import type { Recipe } from '../recipe/recipe-schema.ts';
import { folderFault } from '../storage/folder-fault.ts';
import { removeOldParts } from '../storage/remove-old-parts.ts';
import { compareVersions } from './compare-versions.ts';
import { PUBLIC_COMPONENT } from './component-gateway.ts';
import type {
  ComponentArtifact,
  ComponentDetails,
  ComponentGateway,
  ComponentSummary,
  ComponentVersion,
  CreateRequest,
} from './component-gateway.ts';

/**
 * Components in a folder as `greengrass-cli deployment create --recipeDir` takes it:
 * `<folder>/recipes/<component>-<version>.json`. A recipe appears by one hard link, after its
 * artifacts: what is there can be deployed. Recipes are JSON, because nucleus lite reads numbers of
 * YAML as texts. Tags lie beside, in `<folder>/tags`, but for the content's digest, which is computed of
 * the files themselves.
 */
export class FolderGateway implements ComponentGateway {
  readonly description: string;
  readonly hasDigests = false;
  readonly #recipes: string;
  readonly #artifacts: string;
  readonly #tags: string;

  constructor(folder: string) {
    this.description = folder;
    this.#recipes = join(folder, 'recipes');
    this.#artifacts = join(folder, 'artifacts');
    this.#tags = join(folder, 'tags');
  }

  plan(component: string, version: string): string[] {
    return [`write ${join(this.#recipes, fileOf(component, version))}`];
  }

  /** AWS' own components are in no folder. */
  isProvided(component: string): boolean {
    return PUBLIC_COMPONENT.test(component);
  }

  async find(component: string, version: string): Promise<ComponentVersion | undefined> {
    const recipe = await this.#read(join(this.#recipes, fileOf(component, version)));
    if (recipe === undefined) return undefined;
    const content = await this.#content(checkRecipe(recipe));
    const tags = await this.#readTags(component, version);
    return this.#version(component, version, {
      ...tags,
      ...(content === undefined ? {} : { [CONTENT_TAG]: content }),
    });
  }

  async versions(component: string): Promise<string[]> {
    const all = await this.#all();
    return all
      .filter((one) => one.component === component)
      .map(({ version }) => version)
      .sort((a, b) => compareVersions(b, a));
  }

  async list(): Promise<ComponentSummary[]> {
    const latest = new Map<string, string>();
    for (const { component, version } of await this.#all()) {
      const known = latest.get(component);
      if (known === undefined || compareVersions(version, known) > 0)
        latest.set(component, version);
    }
    return [...latest]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([component, latestVersion]) => ({
        component,
        latestVersion,
        arn: this.#arn(component, latestVersion),
      }));
  }

  async recipe(component: string, version: string): Promise<unknown> {
    const recipe = await this.#read(join(this.#recipes, fileOf(component, version)));
    if (recipe !== undefined) return recipe;
    throw new VedetteError(
      'COMPONENT_NOT_FOUND',
      `there is no ${component} ${version} in ${this.description}`,
    );
  }

  async details(component: string, version: string): Promise<ComponentDetails> {
    const recipe = await this.recipe(component, version);
    return { recipe, tags: await this.#readTags(component, version) };
  }

  async artifacts(component: string, version: string): Promise<ComponentArtifact[]> {
    const what = `${component} ${version}`;
    const { artifacts } = readRecipe(await this.recipe(component, version), what);
    const found: ComponentArtifact[] = [];
    for (const { uri, fileName } of artifacts) {
      const sha256 = isFile(uri) ? await this.#sha256(component, version, fileName) : undefined;
      found.push({ uri, fileName, ...(sha256 === undefined ? {} : { sha256 }) });
    }
    return found;
  }

  async create({ component, version, recipe, tags }: CreateRequest): Promise<ComponentVersion> {
    const name = fileOf(component, version);
    const part = `.${randomUUID()}.part`;
    try {
      await writeSyncedFile(this.#recipes, part, once(recipe));
      await removeOldParts(this.#recipes);
      await link(join(this.#recipes, part), join(this.#recipes, name));
      for (const folder of [this.#recipes, this.description]) await syncFolder(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        throw new VedetteError(
          'COMPONENT_VERSION_EXISTS',
          `${component} ${version} exists already`,
        );
      }
      throw folderFault(error, `${name} could not be written`);
    } finally {
      await rm(join(this.#recipes, part), { force: true });
    }
    await this.#writeTags(name, tags);
    return this.#version(component, version, tags);
  }

  async completeTags({
    component,
    version,
    tags,
  }: Pick<CreateRequest, 'component' | 'version' | 'tags'>): Promise<void> {
    const name = fileOf(component, version);
    if ((await this.#read(join(this.#tags, name))) === undefined) await this.#writeTags(name, tags);
  }

  /** A folder knows of no devices. */
  deploymentsWith(): Promise<string[]> {
    return Promise.resolve([]);
  }

  async remove(component: string, version: string): Promise<void> {
    const name = fileOf(component, version);
    for (const folder of [this.#recipes, this.#tags]) await rm(join(folder, name), { force: true });
  }

  close(): void {
    // Nothing is held open.
  }

  #version(
    component: string,
    version: string,
    tags: Readonly<Record<string, string>>,
  ): ComponentVersion {
    const arn = this.#arn(component, version);
    return { arn, component, version, state: 'DEPLOYABLE', errors: {}, tags };
  }

  /** `undefined` when an artifact is missing. */
  async #content(recipe: Recipe): Promise<string | undefined> {
    const { ComponentName, ComponentVersion, Manifests } = recipe;
    const sums = new Map<string, string>();
    for (const { Uri } of Manifests.flatMap(({ Artifacts }) => Artifacts)) {
      const sum = await this.#sha256(ComponentName, ComponentVersion, fileNameOf(Uri));
      if (sum === undefined) return undefined;
      sums.set(Uri, sum);
    }
    return contentSha256(recipe, (uri) => sums.get(uri)!);
  }

  /** `undefined` when the file is missing. */
  async #sha256(component: string, version: string, fileName: string): Promise<string | undefined> {
    const file = join(this.#artifacts, component, version, fileName);
    return sha256Of([file]).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw folderFault(error, `artifacts of ${component} could not be read`);
    });
  }

  /** There are none of a version whose publisher was killed right after it appeared, until it is published again. */
  async #readTags(component: string, version: string): Promise<Record<string, string>> {
    const tags = await this.#read(join(this.#tags, fileOf(component, version)));
    const parsed = tagsSchema.safeParse(tags ?? {});
    if (parsed.success) return parsed.data;
    throw new VedetteError(
      'RECIPE_INVALID',
      `${join(this.#tags, fileOf(component, version))} holds no tags`,
    );
  }

  async #writeTags(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const part = `.${randomUUID()}.part`;
    try {
      await writeSyncedFile(this.#tags, part, once(tags));
      await removeOldParts(this.#tags);
      await rename(join(this.#tags, part), join(this.#tags, name));
      await syncFolder(this.#tags);
    } catch (error) {
      throw folderFault(error, `tags of ${name} could not be written`);
    }
  }

  #arn(component: string, version: string): string {
    return join(this.#recipes, fileOf(component, version));
  }

  async #all(): Promise<{ readonly component: string; readonly version: string }[]> {
    const names = await readdir(this.#recipes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw folderFault(error, `${this.#recipes} could not be read`);
    });
    return names.flatMap((name) => {
      const found =
        /^([a-zA-Z0-9_.][a-zA-Z0-9-_.]*?)-(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\.json$/.exec(name);
      return found ? [{ component: found[1]!, version: found[2]! }] : [];
    });
  }

  async #read(file: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw folderFault(error, `${file} could not be read`);
      throw new VedetteError('RECIPE_INVALID', `${file} is no JSON: ${error.message}`);
    }
  }
}

const tagsSchema = z.record(z.string(), z.string());

/** Docker images are no files. */
const isFile = (uri: string): boolean => uri.startsWith('s3://');

const fileOf = (component: string, version: string): string => `${component}-${version}.json`;

async function* once(value: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
