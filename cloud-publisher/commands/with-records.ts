import { PublisherRecords } from '../registry/publisher-records.ts';
import type { PublishModelOptions } from './publish-options.ts';
import type { PublisherContext } from './publisher-context.ts';

/** Opens the records, says what earlier runs left unfinished, and closes them again. */
export async function withRecords<T>(
  options: Pick<PublishModelOptions, 'state'>,
  context: PublisherContext,
  action: (records: PublisherRecords) => Promise<T>,
): Promise<T> {
  const records = await PublisherRecords.open(options.state ?? context.stateFolder);
  try {
    const left = await records.unfinished();
    for (const { destination, component, version, state } of left) {
      context.stderr.write(
        `unfinished: ${component} ${version} at ${destination} is ${state}; publish it again to end it\n`,
      );
    }
    return await action(records);
  } finally {
    await records.close();
  }
}
