import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import { inParallel } from '../../../component/object-store/in-parallel.ts';
import { DeploymentScene, LINE, MODEL, healthReport } from '../../support/deployment-scene.ts';
import { killAt, killPoints, seeRun } from '../../support/kill-points.ts';
import type { KillPoint } from '../../support/kill-points.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { runPublisher, startPublisher } from '../../support/run-publisher.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const DEEP_POINTS = 100;
const SEED = 11;
/** How often AWS is asked differs between runs: so many of the last points may lie behind the end of one. */
const MAX_BEHIND = DEEP_POINTS / 10;
const SCENES = isDeep ? 4 : 1;

const scenes: DeploymentScene[] = [];
let folder: PublisherFolder;
let environment: Record<string, string> = {};

beforeAll(async () => {
  folder = await PublisherFolder.create();
  environment = { NODE_COMPILE_CACHE: folder.fresh() };
  for (let index = 0; index < SCENES; index += 1) scenes.push(await DeploymentScene.open());
});
afterAll(async () => {
  await Promise.all(scenes.map((scene) => scene.close()));
  await folder.close();
});

const POLL = ['--poll-seconds', '0.05'];
const around = (scene: DeploymentScene) => ({ ...scene.aws.environment(), ...environment });

const CREATE = 'greengrass:CreateDeployment';
const POINTS: Readonly<Record<'completed' | 'rolled-back', readonly KillPoint[]>> = {
  completed: [
    { atMoment: 1, after: 'iot:AddThingToThingGroup' },
    { atMoment: 1, after: CREATE },
    { atMoment: 2, after: CREATE },
  ],
  'rolled-back': [{ atMoment: 2, after: CREATE }],
};

const OUTCOMES = {
  completed: {
    code: 0,
    made: ['vedette-ID-1 caps-2: 30 % of line-7', 'line-7 caps-2: all of line-7'],
    versions: { '2.0.0': 4 },
  },
  'rolled-back': {
    code: 3,
    made: ['vedette-ID-1 caps-2: 30 % of line-7', 'vedette-ID-1 caps-2: back: 30 % of line-7'],
    versions: { '1.0.0': 4 },
  },
};
type Outcome = keyof typeof OUTCOMES;

async function prepared(scene: DeploymentScene, outcome: Outcome): Promise<string> {
  scene.clear();
  for (const device of scene.line(4)) {
    device.report = (one, nowMs) =>
      healthReport(one, nowMs, {
        isReady: outcome === 'completed' || one.installed.get(MODEL)?.version !== '2.0.0',
      });
  }
  return scene.file({
    name: 'caps-2',
    target: LINE,
    components: { [MODEL]: { version: '2.0.0' } },
    waves: [{ percent: 30 }],
    soakMinutes: 0.001,
    deviceTimeoutMinutes: 1,
  });
}

/** What the records know of the one roll-out, if it came that far. */
async function recorded({ state }: DeploymentScene) {
  const records = await RolloutRecords.open(state);
  try {
    const [one] = await records.newest(1);
    return one;
  } finally {
    await records.close();
  }
}

/** Different points of a whole roll-out. */
async function spread(scene: DeploymentScene, outcome: Outcome): Promise<readonly KillPoint[]> {
  const file = await prepared(scene, outcome);
  const args = scene.arguments('deploy', 'apply', file, ...POLL);
  const { end, seen } = await seeRun(scene.aws.servers, args, around(scene));
  expect(end.code, end.stderr).toBe(OUTCOMES[outcome].code);
  const points = killPoints(seen, DEEP_POINTS, SEED);
  expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(DEEP_POINTS);
  return points;
}

/** @returns whether it was killed: a point may lie behind the end of this run */
async function isCarriedOn(
  scene: DeploymentScene,
  outcome: Outcome,
  point: KillPoint,
): Promise<boolean> {
  const wanted = OUTCOMES[outcome];
  const file = await prepared(scene, outcome);
  const first = scene.arguments('deploy', 'apply', file, ...POLL);
  const killed = await killAt(point, scene.aws.servers, first, around(scene));
  if (killed.signal === null) {
    expect(killed.code, `${JSON.stringify(point)}: ${killed.stderr}`).toBe(wanted.code);
    return false;
  }
  const one = await recorded(scene);
  const isBegun = one !== undefined && one.state !== 'planned';
  const verb = isBegun ? ['watch', one.id] : ['apply', one?.id ?? file];
  const args = scene.arguments('deploy', ...verb, ...POLL);
  const { code, stdout, stderr } = await runPublisher(args, around(scene));
  const place = `${JSON.stringify(point)}: ${stderr}${stdout}`;
  expect(code, place).toBe(wanted.code);
  expect(JSON.parse(stdout), place).toMatchObject({ state: outcome });
  expect(scene.made(), place).toEqual(wanted.made);
  expect(scene.versionsOf(MODEL), place).toEqual(wanted.versions);
  expect([...scene.aws.fleet.groups.keys()], place).toEqual(['line-7']);
  return true;
}

describe('a publisher that is killed in a wave', { timeout: isDeep ? 3_600_000 : 300_000 }, () => {
  it.each(Object.keys(OUTCOMES) as Outcome[])(
    'is carried on to %s by the next one, with one deployment for each step',
    async (outcome) => {
      const points = isDeep ? await spread(scenes[0]!, outcome) : POINTS[outcome];
      const free = [...scenes];
      const wrong: unknown[] = [];
      let behind = 0;
      await inParallel(points.length, SCENES, async (index) => {
        const scene = free.pop()!;
        try {
          if (!(await isCarriedOn(scene, outcome, points[index]!))) behind += 1;
        } catch (error) {
          wrong.push(error);
        }
        free.push(scene);
      });
      if (wrong.length > 0) throw new AggregateError(wrong, wrong.map(String).join('\n'));
      expect(behind).toBeLessThanOrEqual(isDeep ? MAX_BEHIND : 0);
    },
  );

  it('is looked on by a second one, which makes nothing of its own', async () => {
    const [scene] = scenes as [DeploymentScene];
    const file = await prepared(scene, 'completed');
    const start = (...args: string[]) =>
      startPublisher(scene.arguments('deploy', ...args, ...POLL), around(scene));
    const both = [start('apply', file)];
    await expect.poll(() => scene.aws.iot.calls.length, { timeout: 20_000 }).toBeGreaterThan(0);
    both.push(start('watch', (await recorded(scene))!.id));
    for (const { code, stderr } of await Promise.all(both.map(({ ended }) => ended)))
      expect(code, stderr).toBe(0);
    expect(scene.made()).toEqual(OUTCOMES.completed.made);
  });
});
