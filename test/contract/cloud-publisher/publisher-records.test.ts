import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePlace } from '../../../cloud-publisher/registry/open-database.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import { PostgresServer } from '../../support/postgres-server.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { publisherInProcess } from '../../support/publisher-in-process.ts';
import { describePublicationJobRecords } from './publication-job-records.contract.ts';
import { describePublisherRecords } from './publisher-records.contract.ts';
import { describeRolloutRecords } from './rollout-records.contract.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.start();
});
afterAll(() => postgres.close());

for (const describeRecords of [
  describePublisherRecords,
  describeRolloutRecords,
  describePublicationJobRecords,
]) {
  describeRecords('an SQLite file', async () => {
    const folder = await PublisherFolder.create();
    return { fresh: () => Promise.resolve(folder.fresh()), close: () => folder.close() };
  });

  describeRecords('PostgreSQL', () =>
    Promise.resolve({ fresh: () => postgres.database(), close: () => Promise.resolve() }),
  );
}

describe('PostgreSQL', { timeout: 60_000 }, () => {
  it('may end a connection: the next statement opens another', async () => {
    const records = await PublisherRecords.open(await postgres.database());
    expect(await records.unfinished()).toEqual([]);
    await postgres.dropConnections();
    await expect.poll(() => records.unfinished().catch(() => undefined)).toEqual([]);
    await records.close();
  });

  it('is chosen by --state, and one that does not answer is named without its password', async () => {
    const listed = await publisherInProcess(
      ['bundle', 'list', '--json'],
      await postgres.database(),
    );
    expect(JSON.parse(listed.stdout)).toEqual([]);
    const address = 'postgresql://me:secret@127.0.0.1:1/records';
    const { code, stderr } = await publisherInProcess(['bundle', 'list', '--state', address], '');
    expect(code).toBe(4);
    expect(stderr).toContain('PUBLISHER_RECORDS_UNAVAILABLE: PostgreSQL at 127.0.0.1:1/records');
    expect(stderr).not.toContain('secret');
    expect(describePlace('/a/folder')).toBe('/a/folder');
  });
});
