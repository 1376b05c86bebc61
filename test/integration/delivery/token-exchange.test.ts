import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { LedgerWriter } from '../../../component/delivery/ledger-writer.ts';
import { openS3, S3Objects } from '../../../component/object-store/s3-objects.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { everything, upTo } from '../../support/delivery-parts.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { readLedger } from '../../support/ledger-reader.ts';
import { sampleResult } from '../registry/sample-result.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const TOKEN = 'token-of-the-component';
const MINUTE_MS = 60_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.unstubAllEnvs();
});

/** What Greengrass' token exchange service answers, under the address that a component is given. */
async function openTokenExchange() {
  const exchange = { accessKeyId: '', isAllowed: true, asked: 0 };
  const server = createServer((request, response) => {
    exchange.asked += 1;
    if (request.headers.authorization !== TOKEN || !exchange.isAllowed) {
      response.writeHead(403).end('{"message":"TES responded with status code: 403"}');
      return;
    }
    const document = {
      AccessKeyId: exchange.accessKeyId,
      SecretAccessKey: 'emulated',
      Token: `session of ${exchange.accessKeyId}`,
      // So near its end that it is asked for anew before each call.
      Expiration: new Date(Date.now() + MINUTE_MS).toISOString(),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/2016-11-01/credentialprovider/`;
  return { exchange, url };
}

async function openBucket(credentialsUrl: string): Promise<EmulatedAws> {
  const aws = await EmulatedAws.start();
  closing.push(() => aws.close());
  const { AWS_ACCESS_KEY_ID: _key, AWS_SECRET_ACCESS_KEY: _secret, ...rest } = aws.environment();
  for (const [name, value] of Object.entries(rest)) vi.stubEnv(name, value);
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', credentialsUrl);
  vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', TOKEN);
  return aws;
}

test(`the ledger goes to S3 with the role of the device: ${isDeep ? 'refused, then allowed' : 'allowed'}, then with other keys`, async () => {
  const { exchange, url } = await openTokenExchange();
  const aws = await openBucket(url);
  for (const key of ['ASIAFIRST', 'ASIASECOND']) {
    aws.keys.set(key, { state: 'valid', denied: new Set() });
  }
  const registry = await Registry.open({
    dataFolder: await temporaryFolder(),
    outbox: { ...everything, sendsMessages: false, hasLedger: true },
    onNotice: () => undefined,
  });
  closing.push(() => registry.close());
  const append = (count: number) =>
    Promise.all(
      upTo(count).map(() =>
        registry.appendResult(sampleResult({ camera: 'dock' }), { durability: 'stream' }),
      ),
    );
  const isEmpty = () =>
    expect
      .poll(async () => (await registry.outboxStatistics()).waiting.others, { timeout: 20_000 })
      .toBe(0);

  // To be refused takes the attempts of AWS' client, some seconds.
  exchange.isAllowed = !isDeep;
  exchange.accessKeyId = 'ASIAFIRST';
  await append(20);
  const problems: (VedetteError | undefined)[] = [];
  const store = new S3Objects({ client: openS3(REGION), bucket: BUCKET, prefix: 'line-3' });
  closing.push(async () => store.close());
  const writer = new LedgerWriter({
    registry,
    store,
    thing: 'station-7',
    ledger: { isEnabled: true, intervalSeconds: 1, maxBatchBytes: 10_000 },
    onProblem: (error) => problems.push(error),
  });
  writer.start();
  closing.push(() => writer.close());
  if (isDeep) {
    await expect
      .poll(() => problems.at(-1)?.code, { timeout: 20_000 })
      .toBe('AWS_CREDENTIALS_MISSING');
    expect((await registry.outboxStatistics()).waiting.others).toBe(20);
    expect(aws.s3.objects.size).toBe(0);
    exchange.isAllowed = true;
  }
  await isEmpty();
  expect(exchange.asked).toBeGreaterThan(0);
  // The first are worth nothing any more; the next call is made with those that replaced them.
  exchange.accessKeyId = 'ASIASECOND';
  aws.keys.set('ASIAFIRST', { state: 'expired', denied: new Set() });
  await append(20);
  await isEmpty();

  // The manifest that names a batch comes after it.
  const prefix = `${BUCKET}/line-3/`;
  const stored = () => {
    const objects = [...aws.s3.objects].map(
      ([id, { data }]) => [id.slice(prefix.length), data] as const,
    );
    return readLedger(new Map(objects)).lines.map(({ sequence }) => sequence);
  };
  await expect.poll(stored, { timeout: 10_000 }).toEqual(upTo(40));
  await expect.poll(() => problems.at(-1), { timeout: 10_000 }).toBe(undefined);
}, 60_000);
