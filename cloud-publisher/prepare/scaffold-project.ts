import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { stringify } from 'yaml';
import { VedetteError } from '../../component/contract/errors.ts';
import { readModelMetadata } from '../../component/inference/package/model-metadata.ts';
import { readOnnx } from '../../component/inference/package/read-onnx.ts';
import {
  UNKNOWN_FAMILY,
  suggestManifest,
} from '../../component/inference/package/suggest-manifest.ts';
import type { BundleRequest } from '../bundle/bundle-schema.ts';
import { RUNTIME_COMPONENT } from '../recipe/model-release.ts';

export interface ScaffoldOptions {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

export interface Scaffold {
  readonly name: string;
  readonly version: string;
  /** Relative to the folder. */
  readonly files: readonly string[];
  /** What somebody who knows the model's training must look at. */
  readonly guesses: readonly string[];
}

const MODEL_FOLDER = 'model';

/**
 * A folder to begin with, made of an ONNX file: a model package with what could be read and guessed of
 * the file, and a bundle that holds it with the runtime. Nothing that is there is overwritten.
 * @throws VedetteError NOT_FOUND, MODEL_FILE_INVALID, REQUEST_INVALID when a file is there already
 */
export async function scaffoldProject(
  onnx: string,
  folder: string,
  options: ScaffoldOptions,
): Promise<Scaffold> {
  if (!existsSync(onnx)) throw new VedetteError('NOT_FOUND', `there is no file ${onnx}`);
  const graph = await readOnnx(onnx);
  const fileName = basename(onnx);
  const suggestion = suggestManifest(
    fileName,
    graph,
    readModelMetadata(graph.metadata),
    UNKNOWN_FAMILY,
  );
  if (!suggestion) {
    throw new VedetteError(
      'MODEL_FILE_INVALID',
      `${onnx} has no input for pictures: expected one of three or four dimensions`,
    );
  }
  const name = options.name ?? nameOf(fileName);
  const version = options.version ?? '1.0.0';
  const manifest = { ...suggestion.manifest, name, version };
  const files: string[] = [];
  const place = async (path: string, write: (target: string) => Promise<void>): Promise<void> => {
    try {
      await write(join(folder, path));
      files.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new VedetteError(
        'REQUEST_INVALID',
        `${join(folder, path)} is there already; it was left as it is: choose another folder with --to`,
      );
    }
  };
  const text = (content: string) => (target: string) => writeFile(target, content, { flag: 'wx' });
  await mkdir(join(folder, MODEL_FOLDER, 'golden'), { recursive: true });
  const json = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await place(join(MODEL_FOLDER, 'model.json'), text(json));
  await place(join(MODEL_FOLDER, fileName), (target) =>
    copyFile(onnx, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
  );
  await place('bundle.yaml', text(stringify(bundleOf(name, version))));
  await place('.gitignore', text('.vedette/\ncomponents/\n'));
  return { name, version, files, guesses: suggestion.guesses };
}

const bundleOf = (name: string, version: string): Omit<BundleRequest, 'description'> => ({
  name,
  version,
  devices: [
    { name: 'station', os: 'linux', architecture: 'amd64', nucleus: 'lite', attributes: {} },
  ],
  components: {
    [RUNTIME_COMPONENT]: {
      version: '*',
      merge: { models: { [name]: { package: `${name}@${version}` } } },
    },
    [`io.vedette.model.${name}`]: { version },
  },
});

function nameOf(fileName: string): string {
  const stem = basename(fileName, extname(fileName)).toLowerCase();
  return stem.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'model';
}
