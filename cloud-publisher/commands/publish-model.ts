import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { packageModel } from '../package/package-model.ts';
import { planPublication } from '../publication/plan-publication.ts';
import { publishComponent } from '../publication/publish-component.ts';
import { modelRelease } from '../recipe/model-release.ts';
import { withAws } from './aws-options.ts';
import { prepare, withSourceOptions } from './model-package.ts';
import { openDestination } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';
import { publishForDda, withDdaOptions } from './publish-for-dda.ts';
import { pollingOf } from './publish-options.ts';
import type { PublishModelOptions } from './publish-options.ts';
import { showPlan, showPublished } from './show-published.ts';
import { withRecords } from './with-records.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { showPhases } from './show-phases.ts';

/** `vedette publish model` */
export function addPublishModel(publish: Command, context: PublisherContext): void {
  const command = publish
    .command('model')
    .description('make a model a component version that devices can have: prepare, package, create')
    .argument('<path>', 'model package (a folder, zip, tar or tar.gz) or an ONNX file');
  withPublishOptions(command, 'vedette').action((path: string, options: PublishModelOptions) =>
    publishModel(path, options, context),
  );
}

/** What a model is published with, wherever it comes from. */
export const withPublishOptions = (command: Command, profile: 'vedette' | 'dda'): Command =>
  withDdaOptions(
    withSourceOptions(
      withAws(
        command
          .option('-t, --to <folder>', 'publish into a folder, as greengrass-cli deploys it')
          .option('-b, --bucket <name>', 'publish to Greengrass, with the artifact in this bucket')
          .option('--prefix <prefix>', 'begin of every key in the bucket')
          .option('--profile <profile>', 'vedette, or dda for the LocalServer of DDA', profile)
          .option('--component <name>', 'name of the component; else io.vedette.model.<model name>')
          .option('--runtime <name>', "the runtime's component; else io.vedette.EdgeRuntime")
          .option(
            '--wait-seconds <seconds>',
            'how long to wait until the version is deployable',
            '60',
          )
          .option('--dry-run', 'prepare and package only, and show every call that would be made')
          .option('--state <place>', "the publisher's records; else .vedette/publisher here"),
      ),
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
  const { phase } = showPhases(context, options.json === true);
  const signal = context.interruption();
  await withRecords(options, context, async (records) => {
    const destination = await openDestination(options);
    const { store, gateway } = destination;
    const run = await records.beginRun('vedette', source, gateway.description);
    try {
      const prepared = await run.phase('prepare', () =>
        phase('prepare', (note) => prepare(path, options, signal, note)),
      );
      try {
        await withScratchFolder(async (scratch) => {
          const release = await run.phase('package', () =>
            phase('package', async (note) => {
              const archives = await packageModel(prepared, scratch, signal);
              for (const { fileName, byteLength, sha256 } of archives) {
                note(`${fileName}: ${byteLength} bytes, sha256 ${sha256}`);
              }
              return modelRelease(prepared, archives, {
                component: options.component,
                runtimeComponent: options.runtime,
              });
            }),
          );
          if (options.dryRun) {
            showPlan(planPublication(release, { store, gateway }), options, context);
            return;
          }
          const published = await run.phase('create', () =>
            phase('create', (note) =>
              publishComponent(
                release,
                { store, gateway, book: records },
                { signal, onProgress: note, polling: pollingOf(options) },
              ),
            ),
          );
          showPublished(published, options, context);
        });
      } finally {
        await prepared.close();
      }
      await run.end();
    } catch (error) {
      await run.end(error);
      throw error;
    } finally {
      destination.close();
    }
  });
}
