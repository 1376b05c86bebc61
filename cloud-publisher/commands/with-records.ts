import { PublisherRecords } from '../registry/publisher-records.ts';
import type { PublishModelOptions } from './publish-options.ts';
import type { PublisherContext } from './publisher-context.ts';

/** Opens the records and closes them again. */
export async function openRecords<T>(
  { state }: { readonly state?: string },
  { stateFolder }: Pick<PublisherContext, 'stateFolder'>,
  action: (records: PublisherRecords) => Promise<T>,
): Promise<T> {
  const records = await PublisherRecords.open(state ?? stateFolder);
  try {
    return await action(records);
  } finally {
    await records.close();
  }
}

/** Opens the records, says what earlier runs left unfinished, and closes them again. */
export function withRecords<T>(
  options: Pick<PublishModelOptions, 'state'>,
  context: PublisherContext,
  action: (records: PublisherRecords) => Promise<T>,
): Promise<T> {
  return openRecords(options, context, async (records) => {
    for (const { destination, component, version, state } of await records.unfinished()) {
      context.stderr.write(
        `unfinished: ${component} ${version} at ${destination} is ${state}; publish it again to end it\n`,
      );
    }
    return action(records);
  });
}
