import { cp, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inParallel } from '../../../component/object-store/in-parallel.ts';
import { BUCKET, EmulatedAws } from '../../support/emulated-aws/emulated-aws.ts';
import { killAt, killPoints, seeRun } from '../../support/kill-points.ts';
import type { KillPoint } from '../../support/kill-points.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { runPublisher, startPublisher } from '../../support/run-publisher.ts';
import { samples } from '../../support/runtime-process.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const POINTS = isDeep ? 200 : 5;
const SEED = 7;
/** Half of a publisher's time is waiting. */
const ACCOUNTS = 4;

const accounts: EmulatedAws[] = [];
let folder: PublisherFolder;
let environment: Record<string, string> = {};

beforeAll(async () => {
  folder = await PublisherFolder.create();
  // Two processes for each point: they take their compiled code from the first one.
  environment = { NODE_COMPILE_CACHE: folder.fresh() };
  for (let index = 0; index < ACCOUNTS; index += 1) {
    const aws = await EmulatedAws.start();
    // Each look shows the next state: what is waited for between looks is no step of its own.
    if (!isDeep) aws.greengrass.looksPerState = 0;
    accounts.push(aws);
  }
});
afterAll(async () => {
  await folder.close();
  await Promise.all(accounts.map((aws) => aws.close()));
});

const argumentsFor = (path: string, state = folder.fresh()): string[] => [
  ...['publish', 'model', path, '--bucket', BUCKET, '--state', state, '--json', '--no-run'],
];
const around = (aws: EmulatedAws) => ({ ...aws.environment(), ...environment });

describe('a publisher that is killed', { timeout: isDeep ? 3_600_000 : 600_000 }, () => {
  /** Large enough to go in three parts. */
  async function largeModel(): Promise<string> {
    const path = folder.fresh();
    await cp(samples('models', 'brick-anomaly'), path, { recursive: true });
    await writeFile(join(path, 'README.md'), 'weights\n');
    await truncate(join(path, 'README.md'), 34_000_000);
    return path;
  }

  async function endsRight(aws: EmulatedAws, path: string, point: KillPoint): Promise<void> {
    const place = JSON.stringify(point);
    aws.reset();
    const args = argumentsFor(path);
    const { signal, stderr } = await killAt(point, aws.servers, args, around(aws));
    expect(signal, `${place}: ${stderr}`).toBe('SIGKILL');
    const again = await runPublisher(args, around(aws));
    expect(again.code, `${place}: ${again.stderr}`).toBe(0);
    expect(JSON.parse(again.stdout), place).toMatchObject({ state: 'DEPLOYABLE' });
    expect(aws.greengrass.versions.size, place).toBe(1);
    expect(aws.s3.objects.size, place).toBe(1);
    expect(aws.s3.uploads.size, `${place}: uploads left open`).toBe(0);
  }

  it(`ends right when it is run again, whichever of ${POINTS} different moments it was killed at`, async () => {
    const path = await largeModel();
    const [first] = accounts as [EmulatedAws];
    const { end, seen } = await seeRun(first.servers, argumentsFor(path), around(first));
    expect(end.code, end.stderr).toBe(0);
    const points = killPoints(seen, POINTS, SEED);
    expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(POINTS);
    const free = [...accounts];
    const wrong: unknown[] = [];
    await inParallel(POINTS, ACCOUNTS, async (index) => {
      const aws = free.pop()!;
      await endsRight(aws, path, points[index]!).catch((error: unknown) => wrong.push(error));
      free.push(aws);
    });
    if (wrong.length > 0) throw new AggregateError(wrong, wrong.map(String).join('\n'));
  });

  it('is named by the next run as what it left unfinished', async () => {
    const [aws] = accounts as [EmulatedAws];
    aws.reset();
    const state = folder.fresh();
    const killed = startPublisher(
      argumentsFor(samples('models', 'brick-anomaly'), state),
      around(aws),
    );
    aws.greengrass.onCall = async (operation) => {
      if (operation !== 'greengrass:CreateComponentVersion') return;
      killed.kill();
      await killed.ended;
    };
    await killed.ended;
    aws.greengrass.onCall = () => undefined;
    const other = argumentsFor(samples('models', 'movenet-pose'), state);
    const { stderr } = await runPublisher(other, around(aws));
    expect(stderr).toMatch(
      /unfinished: io\.vedette\.model\.brick-anomaly 1\.0\.0 at .* is creating/,
    );
  });
});
