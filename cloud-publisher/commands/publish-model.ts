import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { packageModel } from '../package/package-model.ts';
import { modelRelease } from '../recipe/model-release.ts';
import { prepare, withSourceOptions } from './model-package.ts';
import type { PublisherContext } from './publisher-context.ts';
import { publishForDda, withDdaOptions } from './publish-for-dda.ts';
import type { PublishModelOptions } from './publish-options.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { createComponent, withPublication, withPublicationOptions } from './with-publication.ts';

/** `vedette publish model` */
export function addPublishModel(publish: Command, context: PublisherContext): void {
  const command = publish
    .command('model')
    .description('make a model a component version that devices can have: prepare, package, create')
    .argument(
      '<path>',
      'model package (a folder, zip, tar or tar.gz), ONNX file, DDA package or training output',
    );
  withPublishOptions(command, 'vedette').action((path: string, options: PublishModelOptions) =>
    publishModel(path, options, context),
  );
}

/** What a model is published with, wherever it comes from. */
export const withPublishOptions = (command: Command, profile: 'vedette' | 'dda'): Command =>
  withDdaOptions(
    withSourceOptions(
      withPublicationOptions(command)
        .option('--profile <profile>', 'vedette, or dda for the LocalServer of DDA', profile)
        .option('--component <name>', 'name of the component; else io.vedette.model.<model name>')
        .option('--runtime <name>', "the runtime's component; else io.vedette.EdgeRuntime"),
    ),
  );

/** @param source what records call it */
export async function publishModel(
  path: string,
  options: PublishModelOptions,
  context: PublisherContext,
  source = path,
): Promise<void> {
  if (options.profile === 'dda') return publishForDda(path, options, context, source);
  if (options.profile !== 'vedette') {
    throw new VedetteError(
      'REQUEST_INVALID',
      `--profile is '${options.profile}', expected vedette or dda`,
    );
  }
  if (options.compileRole !== undefined || options.compileOutput !== undefined) {
    throw new VedetteError('REQUEST_INVALID', '--compile-role goes with --profile dda');
  }
  await withPublication({ profile: 'vedette', source }, options, context, async (publishing) => {
    const { phase, signal } = publishing;
    const prepared = await phase('prepare', (note) => prepare(path, options, signal, note));
    try {
      await withScratchFolder(async (scratch) => {
        const release = await phase('package', async (note) => {
          const archives = await packageModel(prepared, scratch, signal);
          for (const { fileName, byteLength, sha256 } of archives) {
            note(`${fileName}: ${byteLength} bytes, sha256 ${sha256}`);
          }
          return modelRelease(prepared, archives, {
            component: options.component,
            runtimeComponent: options.runtime,
          });
        });
        await createComponent(release, publishing, options, context);
      });
    } finally {
      await prepared.close();
    }
  });
}
