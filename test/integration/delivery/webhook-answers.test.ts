import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outputSchema, type OutputConfigOf } from '../../../component/contract/output-config.ts';
import type { OutputRecord } from '../../../component/contract/output.ts';
import { OutputQueue } from '../../../component/delivery/outputs/output-queue.ts';
import { webhookOutput } from '../../../component/delivery/outputs/webhook-output.ts';
import { sampleResult } from '../registry/sample-result.ts';

let server: Server;
let origin: string;
/** The ids of what was refused, by path: each path refuses its first request with the status in it. */
const refused = new Map<string, string>();
beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url!;
    const id = String(request.headers['idempotency-key']);
    const isRefused = !refused.has(url) || (url.endsWith('always') && refused.get(url) === id);
    if (isRefused) refused.set(url, id);
    const status = isRefused ? Number(url.split('/')[1]) : 200;
    const isMoved = status >= 300 && status < 400;
    const moved = isMoved ? { location: '//moved.example/secret' } : {};
    request.resume().on('end', () => response.writeHead(status, moved).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const configOf = (path: string) =>
  outputSchema.parse({ kind: 'webhook', url: `${origin}${path}` }) as OutputConfigOf<'webhook'>;
const portOf = (config: OutputConfigOf<'webhook'>) => webhookOutput(config, async () => '');
const verdict = (id: string) => ({ outcome: 'fail' as const, result: sampleResult({ id }) });

/** Two verdicts, told to an address one after the other; resolves with their ends. */
async function tellTwo(path: string): Promise<OutputRecord[]> {
  const config = configOf(path);
  const records: OutputRecord[] = [];
  const ended = Promise.withResolvers<void>();
  const onEnd = (record: OutputRecord) => {
    records.push(record);
    if (records.length === 2) ended.resolve();
  };
  const queue = new OutputQueue({ name: 'hook', config, port: portOf(config), onEnd });
  for (const id of ['first', 'second']) queue.add(verdict(id));
  await ended.promise;
  await queue.close();
  return records;
}

it.each([400, 409, 413, 415, 422])(
  'a webhook that answers HTTP %i refuses one verdict, which is given up at once, and gets the next',
  async (status) => {
    const [first, second] = await tellTwo(`/${status}/always`);
    expect(first).toMatchObject({ resultId: 'first', end: 'given-up', attempts: 1 });
    expect(first!.detail).toBe(`${origin} answered HTTP ${status}`);
    expect(second).toMatchObject({ resultId: 'second', end: 'acknowledged', attempts: 1 });
  },
);

it('a webhook whose answer is a state that passes, or that somebody mends, gets every verdict in order', async () => {
  const states = [301, 307, 401, 403, 404, 405, 408, 410, 425, 429, 500, 503];
  const told = await Promise.all(states.map((status) => tellTwo(`/${status}/once`)));
  for (const records of told) {
    expect(records).toMatchObject([
      { resultId: 'first', end: 'acknowledged', attempts: 2 },
      { resultId: 'second', end: 'acknowledged', attempts: 1 },
    ]);
  }
});

it('a webhook that moved is not followed; the error says where to, without its path', async () => {
  const port = portOf(configOf('/302/always'));
  const sent = port.send(verdict('first'), new AbortController().signal, Infinity);
  await expect(sent).rejects.toMatchObject({
    code: 'OUTPUT_FAILED',
    message: `${origin} answered HTTP 302 and names http://moved.example: redirects are not followed, set \`url\` to the new address`,
  });
});
