import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { ddaComponentRelease } from '../../cloud-publisher/dda/dda-release.ts';
import type { DdaRelease } from '../../cloud-publisher/dda/dda-targets.ts';
import { edgeRuntimeRecipe } from '../../scripts/package/component.ts';
import type { ComponentFolder } from './nucleus/component-folder.ts';

export const LOCAL_SERVER = 'aws.edgeml.dda.LocalServer.amd64';

export interface ScriptEnd {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Runs a step of a recipe as the nucleus would, `sh -c` after its variables were replaced. */
export function runStep(
  script: string,
  values: Readonly<Record<string, string>>,
  waitSeconds = 40,
) {
  const text = Object.entries(values).reduce(
    (rest, [name, value]) => rest.replaceAll(name, value),
    script,
  );
  const env = { ...process.env, VEDETTE_WAIT_SECONDS: String(waitSeconds) };
  return new Promise<ScriptEnd>((resolve) => {
    execFile('/bin/sh', ['-c', text], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, lines: (stdout + stderr).trim().split('\n') });
    });
  });
}

/** The runtime under LocalServer's name, with a folder in the place of `/aws_dda`. */
export class LocalServerFolder {
  /** In the place of `/aws_dda`, which is for root alone. */
  readonly ddaFolder: string;
  readonly #component: ComponentFolder;

  constructor(component: ComponentFolder) {
    this.#component = component;
    this.ddaFolder = path.join(component.rootPath, 'aws_dda');
  }

  /** Its work folder is known by its name, and its artifact brings the programs. */
  async prepare(): Promise<void> {
    const { rootPath, path: work } = this.#component;
    await symlink(work, path.join(rootPath, 'work', LOCAL_SERVER));
    const programs = path.join(rootPath, 'artifacts/vedette-linux-amd64/dda');
    await mkdir(path.dirname(programs), { recursive: true });
    await cp(path.join(import.meta.dirname, '../../recipes/dda'), programs, { recursive: true });
  }

  /** The `install` step of the variant's recipe. */
  async install(): Promise<ScriptEnd> {
    const recipe = (await edgeRuntimeRecipe({
      name: LOCAL_SERVER,
      author: 'a test',
      version: '1.1000.0',
      platforms: ['linux/amd64'],
      isLocalServer: true,
    })) as { Manifests: [{ Lifecycle: { install: { Script: string } } }] };
    return runStep(recipe.Manifests[0].Lifecycle.install.Script, this.#values('artifacts'));
  }

  /**
   * A step of a model component's recipe as DDA's tools write it.
   * @param unpacked folder of the unpacked zip, below the root path
   */
  async modelStep(
    step: 'Startup' | 'Shutdown',
    model: { name: string; version: string; unpacked: string; release?: DdaRelease },
    waitSeconds?: number,
  ): Promise<ScriptEnd> {
    const sha256 = '0'.repeat(64);
    const archive = {
      file: '',
      fileName: `${model.unpacked}.zip`,
      byteLength: 1,
      sha256,
      files: [],
    };
    const { recipe } = await ddaComponentRelease(archive, {
      name: model.name,
      version: model.version,
      friendlyName: 'A model',
      target: {
        name: 'x86_64-cpu',
        architecture: 'amd64',
        localServer: LOCAL_SERVER,
      },
      release: model.release ?? '2025',
      tags: {},
    });
    const { Manifests } = recipe(new Map([[sha256, 's3://bucket/model.zip']])) as unknown as {
      Manifests: [{ Lifecycle: Record<string, { Script: string }> }];
    };
    const script = Manifests[0].Lifecycle[step]?.Script ?? 'exit 99';
    return runStep(script, this.#values('unpacked'), waitSeconds);
  }

  #values(folder: string): Record<string, string> {
    const { rootPath } = this.#component;
    return {
      '{artifacts:decompressedPath}': path.join(rootPath, folder),
      '{kernel:rootPath}': rootPath,
      '/aws_dda': this.ddaFolder,
    };
  }
}
