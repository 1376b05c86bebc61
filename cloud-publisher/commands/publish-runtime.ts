import type { Command } from 'commander';
import { runtimeRelease } from '../recipe/runtime-release.ts';
import type { PublisherContext } from './publisher-context.ts';
import { createComponent, withPublication, withPublicationOptions } from './with-publication.ts';
import type { PublicationOptions } from './with-publication.ts';

/** `vedette publish runtime` */
export function addPublishRuntime(publish: Command, context: PublisherContext): void {
  withPublicationOptions(
    publish
      .command('runtime')
      .description('make the packaged runtime a component version that devices can have')
      .argument('[folder]', 'what `npm run package -- --component` made', 'greengrass-build'),
  )
    .option('--json', 'print the outcome as JSON')
    .action((folder: string, options: PublicationOptions) =>
      withPublication(
        { profile: 'vedette', source: folder },
        options,
        context,
        async (publishing) => {
          const release = await publishing.phase('prepare', async (note) => {
            const read = await runtimeRelease(folder);
            for (const { archive } of read.artifacts) {
              note(`${archive.fileName}: ${archive.byteLength} bytes, sha256 ${archive.sha256}`);
            }
            return read;
          });
          await createComponent(release, publishing, options, context);
        },
      ),
    );
}
