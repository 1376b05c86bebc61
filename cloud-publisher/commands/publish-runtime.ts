import type { Command } from 'commander';
import { planPublication } from '../publication/plan-publication.ts';
import { publishComponent } from '../publication/publish-component.ts';
import { runtimeRelease } from '../recipe/runtime-release.ts';
import { withAws } from './aws-options.ts';
import { openDestination } from './open-destination.ts';
import type { DestinationOptions } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';
import { pollingOf } from './publish-options.ts';
import { showPhases } from './show-phases.ts';
import { showPlan, showPublished } from './show-published.ts';
import { withRecords } from './with-records.ts';

interface PublishRuntimeOptions extends DestinationOptions {
  readonly waitSeconds: string;
  readonly dryRun?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

/** `vedette publish runtime` */
export function addPublishRuntime(publish: Command, context: PublisherContext): void {
  withAws(
    publish
      .command('runtime')
      .description('make the packaged runtime a component version that devices can have')
      .argument('[folder]', 'what `npm run package -- --component` made', 'greengrass-build')
      .option('-t, --to <folder>', 'publish into a folder, as greengrass-cli deploys it')
      .option('-b, --bucket <name>', 'publish to Greengrass, with the artifact in this bucket')
      .option('--prefix <prefix>', 'begin of every key in the bucket'),
  )
    .option('--wait-seconds <seconds>', 'how long to wait until the version is deployable', '60')
    .option('--dry-run', 'prepare and package only, and show every call that would be made')
    .option('--state <place>', "the publisher's records; else .vedette/publisher here")
    .option('--json', 'print the outcome as JSON')
    .action((folder: string, options: PublishRuntimeOptions) =>
      publishRuntime(folder, options, context),
    );
}

async function publishRuntime(
  folder: string,
  options: PublishRuntimeOptions,
  context: PublisherContext,
): Promise<void> {
  const { phase } = showPhases(context, options.json === true);
  const signal = context.interruption();
  await withRecords(options, context, async (records) => {
    const destination = await openDestination(options);
    const { store, gateway } = destination;
    const run = await records.beginRun('vedette', folder, gateway.description);
    try {
      const release = await run.phase('prepare', () =>
        phase('prepare', async (note) => {
          const read = await runtimeRelease(folder);
          for (const { archive } of read.artifacts) {
            note(`${archive.fileName}: ${archive.byteLength} bytes, sha256 ${archive.sha256}`);
          }
          return read;
        }),
      );
      if (options.dryRun) {
        showPlan(planPublication(release, { store, gateway }), options, context);
      } else {
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
