import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { create } from 'tar';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { publishedTags } from '../storage/published-tags.ts';
import type { SourceFile } from '../../component/object-store/object-store.ts';
import { NEO_PLATFORMS } from '../dda/neo-platforms.ts';
import type { CompilationRequest } from './model-compiler.ts';

/** A TorchScript model that Neo can compile. */
export interface CompilableModel {
  /** The `.pt` file. */
  readonly file: string;
  /** `[1, 3, height, width]` */
  readonly inputShape: readonly number[];
}

/** Name of the input, as DDA's portal calls it. */
const INPUT_NAME = 'input_shape';

export interface CompilationPlace {
  readonly roleArn: string;
  /** `s3://bucket` or `s3://bucket/prefix`, without a slash at its end. */
  readonly outputUri: string;
}

/**
 * One job for each target, named by all that its result depends on: the model's bytes, its input,
 * the platform and where the archive goes. Who compiles it does not matter.
 * @param modelUri where the archive of the model lies
 * @param modelSha256 of the `.pt` file
 */
export function compilationRequests(
  targets: readonly string[],
  { inputShape }: Pick<CompilableModel, 'inputShape'>,
  modelSha256: string,
  modelUri: string,
  { roleArn, outputUri }: CompilationPlace,
): Map<string, CompilationRequest> {
  const inputShapes = { [INPUT_NAME]: inputShape };
  return new Map(
    targets.map((target) => {
      const platform = NEO_PLATFORMS.get(target)!;
      const content = JSON.stringify({ modelSha256, inputShapes, platform, outputUri });
      const digest = createHash('sha256').update(content).digest('hex').slice(0, 20);
      const name = `vedette-${target.replaceAll(/[^a-zA-Z0-9]+/g, '-')}-${digest}`;
      const tags = { 'vedette:target': target, 'vedette:model-sha256': modelSha256 };
      const location = `${outputUri}/${name}/`;
      return [
        target,
        { name, modelUri, inputShapes, platform, roleArn, outputUri: location, tags },
      ];
    }),
  );
}

/** The model as Neo takes it: a tar.gz with the `.pt` file at its top and nothing else. */
export async function packForCompiler(file: string, folder: string): Promise<SourceFile> {
  const fileName = 'model.tar.gz';
  const packed = join(folder, fileName);
  await create(
    {
      gzip: true,
      portable: true,
      noPax: true,
      mtime: new Date(0),
      cwd: dirname(file),
      file: packed,
    },
    [basename(file)],
  );
  const { size: byteLength } = await stat(packed);
  const sha256 = await sha256Of([packed]);
  const tags = publishedTags(sha256);
  return { file: packed, fileName, byteLength, sha256, contentType: 'application/gzip', tags };
}
