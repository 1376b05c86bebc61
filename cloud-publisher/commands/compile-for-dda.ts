import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { S3Objects } from '../../component/object-store/s3-objects.ts';
import { compilationRequests, packForCompiler } from '../sagemaker/compilation-request.ts';
import type { CompilableModel, CompilationPlace } from '../sagemaker/compilation-request.ts';
import { compileForTargets } from '../sagemaker/compile-for-targets.ts';
import type { CompiledTarget } from '../sagemaker/compile-for-targets.ts';
import { fetchObject } from '../storage/fetch-object.ts';
import { credentialsOf, requireRoleArn } from './aws-options.ts';
import type { AwsOptions } from './aws-options.ts';
import type { DdaOptions } from './publish-options.ts';
import type { Note } from './show-phases.ts';

/** Where Neo is asked, and with which role. @throws VedetteError REQUEST_INVALID */
export function compilationPlaceOf({
  compileRole,
  compileOutput,
}: Pick<DdaOptions, 'compileRole' | 'compileOutput'>): CompilationPlace | undefined {
  if (compileRole === undefined && compileOutput === undefined) return undefined;
  if (compileRole === undefined || compileOutput === undefined) {
    throw new VedetteError('REQUEST_INVALID', '--compile-role goes with --compile-output');
  }
  requireRoleArn('--compile-role', compileRole);
  const outputUri = compileOutput.replace(/\/+$/, '');
  if (!/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^\s/]+)*$/.test(outputUri)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `--compile-output is '${compileOutput}', expected s3://<bucket>/<prefix>`,
    );
  }
  return { roleArn: compileRole, outputUri };
}

export interface Compilation {
  /** Calls that would be made, one a line; none is made. */
  plan(model: CompilableModel, targets: readonly string[]): Promise<string[]>;
  /** @returns by target, its archive here or why there is none */
  compile(
    model: CompilableModel,
    targets: readonly string[],
    note: Note,
    signal: AbortSignal,
  ): Promise<Map<string, CompiledTarget>>;
}

/** Runs with SageMaker and the bucket of models and archives; both are closed again. */
export async function withCompilation<T>(
  place: CompilationPlace,
  aws: AwsOptions,
  scratch: string,
  action: (compilation: Compilation) => Promise<T>,
): Promise<T> {
  const [{ findAccount }, { SageMakerGateway, openSageMaker }, { openS3 }, { S3Source }] =
    await Promise.all([
      import('../aws/find-account.ts'),
      import('../sagemaker/sagemaker-gateway.ts'),
      import('../storage/s3-store.ts'),
      import('../storage/s3-source.ts'),
    ]);
  const credentials = await credentialsOf(aws);
  const account = await findAccount(aws.region, credentials);
  const compiler = new SageMakerGateway(openSageMaker(account.region, credentials), account);
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place.outputUri) ?? [];
  const models = new S3Objects({ client: openS3(account.region, credentials), bucket, prefix });
  const archives = new S3Source(openS3(account.region, credentials));
  const folder = join(scratch, 'compile');
  await mkdir(folder, { recursive: true });
  const prepare = async (model: CompilableModel, targets: readonly string[]) => {
    const archive = await packForCompiler(model.file, folder);
    const key = `models/${archive.sha256}/${archive.fileName}`;
    const sha256 = await sha256Of([model.file]);
    const requests = compilationRequests(targets, model, sha256, models.addressOf(key), place);
    return { archive, key, requests };
  };
  try {
    return await action({
      async plan(model, targets) {
        const { archive, key, requests } = await prepare(model, targets);
        return [
          `s3:PutObject ${models.addressOf(key)} (${archive.byteLength} bytes), if none is there`,
          ...[...requests.values()].flatMap((request) => compiler.plan(request)),
        ];
      },
      async compile(model, targets, note, signal) {
        const { archive, key, requests } = await prepare(model, targets);
        const isNew = await models.putFile(archive, key, { signal });
        note(`${models.addressOf(key)}${isNew ? '' : ', was there before'}`);
        const fetch = async (uri: string, target: string): Promise<string | undefined> => {
          const file = join(folder, `${target}.tar.gz`);
          return (await fetchObject(archives, uri, file, signal)) ? file : undefined;
        };
        return compileForTargets(requests, { compiler, fetch }, { onProgress: note, signal });
      },
    });
  } finally {
    compiler.close();
    models.close();
    archives.close();
  }
}
