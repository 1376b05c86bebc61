import type { Command } from 'commander';
import { planPublication } from '../publication/plan-publication.ts';
import { publishComponent } from '../publication/publish-component.ts';
import type { PublicationDoors } from '../publication/publish-component.ts';
import type { ComponentRelease } from '../publication/component-release.ts';
import type { RunRecord } from '../registry/publisher-records.ts';
import { withAws } from './aws-options.ts';
import { openDestination } from './open-destination.ts';
import type { DestinationOptions } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';
import { pollingOf } from './publish-options.ts';
import { showPhases } from './show-phases.ts';
import type { Note } from './show-phases.ts';
import { showPlan, showPublished } from './show-published.ts';
import { withRecords } from './with-records.ts';

/** What every publication is told: where to, and how. */
export interface PublicationOptions extends DestinationOptions {
  readonly waitSeconds: string;
  readonly dryRun?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

/** A publication under way. */
export interface Publishing {
  readonly doors: PublicationDoors;
  readonly signal: AbortSignal;
  /** Work that is shown and recorded as a phase of that name. */
  readonly phase: <T>(
    name: Parameters<RunRecord['phase']>[0],
    work: (note: Note) => Promise<T>,
  ) => Promise<T>;
}

/** Where publications go. */
export const withDestination = (command: Command): Command =>
  withAws(
    command
      .option('-t, --to <folder>', 'publish into a folder, as greengrass-cli deploys it')
      .option('-b, --bucket <name>', 'publish to Greengrass, with the artifact in this bucket')
      .option('--prefix <prefix>', 'begin of every key in the bucket'),
  );

export const withPublicationOptions = (command: Command): Command =>
  withDestination(command)
    .option('--wait-seconds <seconds>', 'how long to wait until the version is deployable', '60')
    .option('--dry-run', 'prepare and package only, and show every call that would be made')
    .option('--state <place>', "the publisher's records; else .vedette/publisher here");

/**
 * Opens records and destination, and writes down what is published and how it ended.
 * @param source what records call it
 */
export async function withPublication(
  { profile, source }: { readonly profile: 'vedette' | 'dda'; readonly source: string },
  options: PublicationOptions,
  context: PublisherContext,
  publish: (publishing: Publishing) => Promise<void>,
): Promise<void> {
  // Before anything is made that would have to wait.
  pollingOf(options);
  const display = showPhases(context, options.json === true);
  const signal = context.interruption();
  await withRecords(options, context, async (book) => {
    const destination = await openDestination(options);
    const { store, gateway } = destination;
    const run = await book.beginRun(profile, source, gateway.description);
    try {
      await publish({
        doors: { store, gateway, book },
        signal,
        phase: (name, work) => run.phase(name, () => display.phase(name, work)),
      });
      await run.end();
    } catch (error) {
      await run.end(error);
      throw error;
    } finally {
      destination.close();
    }
  });
}

/** The last phase of one component: it is created, or with `--dry-run` what that would call is shown. */
export async function createComponent(
  release: ComponentRelease,
  { doors, signal, phase }: Publishing,
  options: PublicationOptions,
  context: PublisherContext,
): Promise<void> {
  if (options.dryRun) {
    showPlan(planPublication(release, doors), options, context);
    return;
  }
  const published = await phase('create', (note) =>
    publishComponent(release, doors, { signal, onProgress: note, polling: pollingOf(options) }),
  );
  showPublished(published, options, context);
}
