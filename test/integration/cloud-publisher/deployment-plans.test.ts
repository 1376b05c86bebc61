import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deploymentFileSchema } from '../../../cloud-publisher/deployment/deployment-file.ts';
import type { FleetDoors } from '../../../cloud-publisher/deployment/fleet-doors.ts';
import { planDeployment } from '../../../cloud-publisher/deployment/plan-deployment.ts';
import { previewDevices } from '../../../cloud-publisher/deployment/preview-devices.ts';
import { repeatedResets } from '../../../cloud-publisher/deployment/repeated-resets.ts';
import { requireUnchanged } from '../../../cloud-publisher/deployment/require-unchanged.ts';
import { unreachedDefaults } from '../../../cloud-publisher/deployment/unreached-defaults.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import {
  BEFORE,
  DeploymentScene,
  FOREIGN,
  LINE,
  MODEL,
  RUNTIME,
} from '../../support/deployment-scene.ts';
import { RolloutTurns, WAVES, withEmulatedFleet } from '../../support/rollout-turns.ts';

let scene: DeploymentScene;
let records: RolloutRecords;
let turns: RolloutTurns;

beforeAll(async () => {
  scene = await DeploymentScene.open();
  Object.assign(process.env, scene.aws.environment());
  records = await RolloutRecords.open(scene.state);
  turns = new RolloutTurns(records);
});
beforeEach(() => scene.clear());
afterAll(async () => {
  await records.close();
  await scene.close();
});

const plan = (doors: FleetDoors, content?: object) => turns.plan(doors, content);

describe('a plan', { timeout: 60_000 }, () => {
  it.each([
    [LINE, 31_000, 'a thing group 31000'],
    ['thing/line-7-station-1', 7_000, 'a thing 7000'],
  ])(
    'for a deployment document over its limit is refused, and nothing is made (%s)',
    async (target, bytes, limit) => {
      scene.line(2);
      const before = scene.aws.fleet.deployments.length;
      const content = (text: string) => ({
        ...{ ...WAVES, target, waves: [] },
        components: { [RUNTIME]: { version: '1.0.0', merge: { note: text } } },
      });
      await withEmulatedFleet(async (doors) => {
        const refused = plan(doors, content('x'.repeat(bytes)));
        await expect(refused).rejects.toMatchObject({ code: 'DEPLOYMENT_TOO_LARGE' });
        await expect(refused).rejects.toThrow(limit);
        await expect(refused).rejects.toThrow(`the largest parts in bytes: ${RUNTIME}`);
        expect(await plan(doors, content('x'.repeat(bytes / 2)))).toMatch(/^\w+$/);
      });
      expect(scene.aws.fleet.deployments).toHaveLength(before);
      expect(scene.aws.iot.calls.filter((call) => call.includes('Create'))).toEqual([]);
    },
  );

  it('that somebody else deployed over is not carried out', async () => {
    scene.line(3);
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors);
      const theirs = scene.deploy(LINE, BEFORE, 'theirs');
      await expect(requireUnchanged(await records.rollout(id), doors)).rejects.toThrow(
        expect.objectContaining({
          code: 'DEPLOYMENT_CHANGED',
          message: expect.stringContaining(theirs.deploymentId) as string,
        }),
      );
    });
  });

  it('names everything that is wrong with its waves at once', async () => {
    scene.line(3);
    const [own] = scene.line(1, BEFORE, 'own');
    scene.aws.fleet.groups.get('line-7')!.add(own!.name);
    scene.aws.fleet.add('stranger', ['canaries']);
    const [lite] = scene.line(1, {}, 'lite');
    scene.aws.fleet.groups.get('line-7')!.add(lite!.name);
    lite!.runtime = 'aws_nucleus_lite';
    const file = {
      ...WAVES,
      waves: [{ group: 'own' }, { group: 'canaries' }, { percent: 90 }, { group: 'empty' }],
    };
    await withEmulatedFleet(async (doors) => {
      await expect(plan(doors, file)).rejects.toThrow(
        /wave 1: own has a deployment of its own; .*wave 2: stranger of canaries is not in line-7; .*wave 3: lite-station-1 runs nucleus lite.*wave 4 has no core device/,
      );
    });
  });

  it('of what is there already is refused', async () => {
    scene.line(3);
    const file = { ...WAVES, components: { [MODEL]: { version: '1.0.0' } } };
    await withEmulatedFleet(async (doors) => {
      await expect(plan(doors, file)).rejects.toThrow(/line-7 has all of it already/);
    });
  });

  it('after a way back repeats none of its resets, and names those of others', async () => {
    scene.line(2);
    const merge = { log: { file: 'x' } };
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, {
        ...WAVES,
        waves: [],
        components: { [RUNTIME]: { version: '1.0.0', merge } },
      });
      expect((await turns.carry(id, doors)).state).toBe('completed');
      await records.enter(id, ['completed'], 'rolling-back', 'asked for');
      expect((await turns.carry(id, doors)).state).toBe('rolled-back');
      const back = scene.aws.fleet.deployments.at(-1)!.components;
      expect(back[RUNTIME]!.configurationUpdate!.reset).toEqual(['/log/file']);
      const { steps } = await records.rollout(await plan(doors));
      expect(steps).toHaveLength(2);
      for (const { document } of steps) {
        expect(document.components[RUNTIME]).toEqual(BEFORE[RUNTIME]);
        expect(document.components[FOREIGN]).toEqual(BEFORE[FOREIGN]);
      }
      expect(repeatedResets(steps)).toEqual([
        expect.stringMatching(/^com\.example\.LogShipper keeps the reset .*: \/old;/),
      ]);
    });
  });

  it('reads recipes with keys in any case and patterns that only Java can read', async () => {
    scene.line(2);
    scene.publish(RUNTIME, '1.1.0', { bytes: 500, configuration: { log: { level: 'debug' } } });
    const { greengrass } = scene.aws;
    const arn = greengrass.arnOf(RUNTIME, '1.1.0');
    const { recipe, ...version } = greengrass.versions.get(arn)!;
    const { Manifests, ComponentConfiguration, ...rest } = recipe;
    const [first] = Manifests as { Artifacts: unknown }[];
    const manifests = [
      { platform: { os: '/(?i)LINUX++/' }, artifacts: [] },
      { platform: { OS: 'windows' }, artifacts: [] },
      { platform: { OS: 'linux', line: 'any' }, artifacts: first!.Artifacts },
    ];
    const componentconfiguration = ComponentConfiguration;
    greengrass.versions.set(arn, {
      ...version,
      recipe: { ...rest, componentconfiguration, Manifests: manifests },
    });
    await withEmulatedFleet(async (doors) => {
      const file = { ...WAVES, waves: [], components: { [RUNTIME]: { version: '1.1.0' } } };
      const made = await planDeployment(deploymentFileSchema.parse(file), 'plan', doors);
      for (const device of await previewDevices(made, doors))
        expect(device).toMatchObject({ downloadBytes: 500, unknownSizes: [] });
      expect(await unreachedDefaults(made.steps, doors)).toEqual([
        expect.stringContaining('1.1.0 has other defaults than 1.0.0 at /log'),
      ]);
    });
  });
});
