import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { syncFolder, writeSyncedFile } from '../../component/inference/package/synced-file.ts';
import { checkRecipe } from '../recipe/check-recipe.ts';
import { CONTENT_TAG, contentSha256, fileNameOf } from '../recipe/recipe-content.ts';
import type { Recipe } from '../recipe/recipe-schema.ts';
import { folderFault } from '../storage/folder-fault.ts';
import { compareVersions } from './compare-versions.ts';
import type {
  ComponentGateway,
  ComponentSummary,
  ComponentVersion,
  CreateRequest,
} from './component-gateway.ts';

/**
 * Components in a folder as `greengrass-cli deployment create --recipeDir` takes it:
 * `<folder>/recipes/<component>-<version>.json`. A recipe appears by one hard link, after its
 * artifacts: what is there can be deployed. Recipes are JSON, because nucleus lite reads numbers of
 * YAML as texts. Of the tags only the content's digest is known again, from the files themselves.
 */
export class FolderGateway implements ComponentGateway {
  readonly description: string;
  readonly #recipes: string;
  readonly #artifacts: string;

  constructor(folder: string) {
    this.description = folder;
    this.#recipes = join(folder, 'recipes');
    this.#artifacts = join(folder, 'artifacts');
  }

  plan(component: string, version: string): string[] {
    return [`write ${join(this.#recipes, fileOf(component, version))}`];
  }

  async find(component: string, version: string): Promise<ComponentVersion | undefined> {
    const recipe = await this.#read(join(this.#recipes, fileOf(component, version)));
    if (recipe === undefined) return undefined;
    const content = await this.#content(checkRecipe(recipe));
    const tags = content === undefined ? {} : { [CONTENT_TAG]: content };
    return this.#version(component, version, tags);
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

  async create({ component, version, recipe, tags }: CreateRequest): Promise<ComponentVersion> {
    const name = fileOf(component, version);
    const part = `.${randomUUID()}.part`;
    try {
      await writeSyncedFile(this.#recipes, part, once(recipe));
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
    return this.#version(component, version, tags);
  }

  async remove(component: string, version: string): Promise<void> {
    await rm(join(this.#recipes, fileOf(component, version)), { force: true });
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
    const folder = join(this.#artifacts, ComponentName, ComponentVersion);
    const sums = new Map<string, string>();
    for (const { Uri } of Manifests.flatMap(({ Artifacts }) => Artifacts)) {
      const sum = await sha256Of([join(folder, fileNameOf(Uri))]).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw folderFault(error, `artifacts of ${ComponentName} could not be read`);
        },
      );
      if (sum === undefined) return undefined;
      sums.set(Uri, sum);
    }
    return contentSha256(recipe, (uri) => sums.get(uri)!);
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

const fileOf = (component: string, version: string): string => `${component}-${version}.json`;

async function* once(value: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
