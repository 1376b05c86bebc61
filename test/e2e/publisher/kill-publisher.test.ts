import { cp, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, EmulatedAws } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { runPublisher, startPublisher } from '../../support/run-publisher.ts';
import { samples } from '../../support/runtime-process.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';

let aws: EmulatedAws;
let folder: PublisherFolder;
let state = '';
let environment: Record<string, string> = {};

beforeAll(async () => {
  aws = await EmulatedAws.start();
  folder = await PublisherFolder.create();
  state = folder.fresh();
  // Two processes for each point: they take their compiled code from the first one.
  environment = { ...aws.environment(), NODE_COMPILE_CACHE: folder.fresh() };
  // Each look shows the next state: what is waited for between looks is no step of its own.
  if (!isDeep) aws.greengrass.looksPerState = 0;
});
afterEach(() => aws.reset());
afterAll(async () => {
  await folder.close();
  await aws.close();
});

const argumentsFor = (path: string, more: readonly string[] = []): string[] => [
  ...['publish', 'model', path, '--bucket', BUCKET, '--state', state, '--json', ...more],
];

describe('a publisher that is killed', { timeout: isDeep ? 3_600_000 : 600_000 }, () => {
  /** Large enough to go in three parts. */
  async function largeModel(): Promise<string> {
    const path = folder.fresh();
    await cp(samples('models', 'brick-anomaly'), path, { recursive: true });
    await writeFile(join(path, 'README.md'), 'weights\n');
    await truncate(join(path, 'README.md'), 34_000_000);
    return path;
  }

  it('ends right when it is run again, whichever call it was killed at', async () => {
    const path = await largeModel();
    const counted = await runPublisher(argumentsFor(path, ['--no-run']), environment);
    expect(counted.code, counted.stderr).toBe(0);
    const count = aws.s3.calls.length + aws.greengrass.calls.length + aws.sts.calls.length;
    // Before and after the work of each call: several rounds, or some spread evenly over one.
    const points = isDeep
      ? Array.from({ length: 200 }, (_, index) => index % (2 * count))
      : Array.from({ length: 20 }, (_, index) => Math.floor((index * 2 * count) / 20));
    for (const point of points) {
      aws.reset();
      state = folder.fresh();
      const killed = startPublisher(argumentsFor(path, ['--no-run']), environment);
      let moments = 0;
      for (const server of [aws.s3, aws.greengrass, aws.sts]) {
        server.onCall = async () => {
          moments += 1;
          if (moments === point + 1) {
            killed.kill();
            await killed.ended;
          }
        };
      }
      const { signal } = await killed.ended;
      expect(signal, `point ${point}`).toBe('SIGKILL');
      for (const server of [aws.s3, aws.greengrass, aws.sts]) server.onCall = () => undefined;
      const again = await runPublisher(argumentsFor(path, ['--no-run']), environment);
      expect(again.code, `point ${point}: ${again.stderr}`).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ state: 'DEPLOYABLE' });
      expect(aws.greengrass.versions.size, `point ${point}`).toBe(1);
      expect(aws.s3.objects.size, `point ${point}`).toBe(1);
      expect(aws.s3.uploads.size, `point ${point}: uploads left open`).toBe(0);
    }
  });

  it('is named by the next run as what it left unfinished', async () => {
    aws.reset();
    state = folder.fresh();
    const args = argumentsFor(samples('models', 'brick-anomaly'), ['--no-run']);
    const killed = startPublisher(args, environment);
    aws.greengrass.onCall = async (operation) => {
      if (operation !== 'greengrass:CreateComponentVersion') return;
      killed.kill();
      await killed.ended;
    };
    await killed.ended;
    aws.greengrass.onCall = () => undefined;
    const other = argumentsFor(samples('models', 'movenet-pose'), ['--no-run']);
    const { stderr } = await runPublisher(other, environment);
    expect(stderr).toMatch(
      /unfinished: io\.vedette\.model\.brick-anomaly 1\.0\.0 at .* is creating/,
    );
  });
});
