import type { Registry } from '../registry/registry.ts';

/** What the metrics tell of the registry. */
export async function registryReadings(registry: Registry): Promise<Record<string, number>> {
  const store = await registry.statistics();
  return {
    results: store.results,
    captures: store.captures,
    capture_bytes: store.captureBytes,
    database_bytes: store.databaseBytes,
    pending: store.writesWaiting + store.retained,
    given_up: store.givenUp,
  };
}
