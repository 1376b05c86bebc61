import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FleetDoors } from '../../../cloud-publisher/deployment/fleet-doors.ts';
import type { Rollout } from '../../../cloud-publisher/deployment/rollout.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import { BEFORE, DeploymentScene, FOREIGN, LINE, MODEL } from '../../support/deployment-scene.ts';
import type { EmulatedDevice } from '../../support/emulated-aws/emulated-device.ts';
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

const HALF = { ...WAVES, waves: [{ percent: 50 }] };
const versionOn = (device: EmulatedDevice) => device.installed.get(MODEL)?.version;

/** The devices of the first wave. */
const inWave = async (id: string, devices: readonly EmulatedDevice[]) => {
  const { steps } = await records.rollout(id);
  return devices.filter(({ name }) => steps[0]!.devices.includes(name));
};

const rollBack = (id: string) =>
  records.enter(id, ['running', 'held', 'completed'], 'rolling-back', 'asked for');

/** Carries it on until its way back has waited in vain for those that are off. */
async function carryWithoutSome(id: string, doors: FleetDoors): Promise<Rollout> {
  const { steps } = await turns.untilSo(
    id,
    doors,
    (rollout) =>
      rollout.steps.at(-1)!.kind === 'roll-back' && rollout.steps.at(-1)!.state === 'deploying',
  );
  const { position, targetArn } = steps.at(-1)!;
  const deployment = scene.aws.fleet.latestFor(targetArn)!;
  for (let look = 0; look < 4; look += 1) scene.aws.fleet.advance(deployment);
  await records.change(id, position, 'deploying', { beganAtMs: 0 });
  return turns.carry(id, doors);
}

/** A device that comes back takes what is meant for it. */
function comesBack(device: EmulatedDevice): void {
  device.isOnline = true;
  for (let look = 0; look < 4; look += 1) scene.aws.fleet.advanceDevice(device.name);
}

describe('the way back', { timeout: 60_000 }, () => {
  it('stays for a device that took the version while nobody looked, and is off since', async () => {
    const devices = scene.line(4);
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, HALF);
      const { steps } = await turns.until(id, doors, 0, 'deploying');
      await records.enter(id, ['running'], 'held', 'asked for');
      const deployment = scene.aws.fleet.latestFor(steps[0]!.targetArn)!;
      const [off] = await inWave(id, devices);
      for (let look = 0; look < 4; look += 1) scene.aws.fleet.advance(deployment);
      off!.isOnline = false;
      await rollBack(id);
      const { state, reason } = await carryWithoutSome(id, doors);
      expect(state, reason).toBe('rolled-back');
      expect(versionOn(off!)).toBe('2.0.0');
      const texts = (await records.events(id)).map(({ text }) => text);
      expect(texts).toContainEqual(
        expect.stringMatching(new RegExp(`stay, because 1 devices .*: ${off!.name}$`)),
      );
      comesBack(off!);
      expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 4 });
    });
  });

  it('stays, after a stop by itself, for a device that had begun, and not for one that had not', async () => {
    const devices = scene.line(6);
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, HALF);
      const [failing, begun, queued] = await inWave(id, devices);
      failing!.installFault = ({ components }) =>
        components[MODEL]?.componentVersion === '2.0.0' ? 'no memory' : undefined;
      begun!.looksToInstall = Number.POSITIVE_INFINITY;
      queued!.isOnline = false;
      await turns.untilSo(id, doors, ({ state }) => state === 'rolling-back');
      begun!.isOnline = false;
      const { state, reason, steps } = await carryWithoutSome(id, doors);
      expect(state, reason).toBe('rolled-back');
      expect(steps[0]!.touched).toEqual(
        steps[0]!.devices.filter((thing) => thing !== queued!.name),
      );
      const texts = (await records.events(id)).map(({ text }) => text);
      expect(texts).toContainEqual(
        expect.stringMatching(new RegExp(`stay, because 1 devices .*: ${begun!.name}$`)),
      );
      expect(scene.aws.fleet.latestFor(steps[0]!.targetArn)).toMatchObject({ status: 'ACTIVE' });
    });
  });

  it('keeps what came in between and was replaced unseen', async () => {
    scene.line(2);
    scene.publish(FOREIGN, '3.2.0');
    const reset = ['/bucket'];
    let theirs = '';
    scene.aws.greengrass.onCall = (operation, moment) => {
      if (operation !== 'greengrass:CreateDeployment' || moment !== 'before' || theirs) return;
      const brought = { componentVersion: '3.2.0', configurationUpdate: { reset } };
      theirs = scene.deploy(LINE, { ...BEFORE, [FOREIGN]: brought }).deploymentId;
    };
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, { ...WAVES, waves: [] });
      expect((await turns.carry(id, doors)).state).toBe('held');
      await rollBack(id);
      const { state, reason, steps } = await turns.carry(id, doors);
      expect(state, reason).toBe('rolled-back');
      expect(steps[1]).toMatchObject({ kind: 'roll-back', restoredDeploymentId: theirs });
    });
    const back = scene.aws.fleet.deployments.at(-1)!;
    expect(back.components[FOREIGN]).toMatchObject({ configurationUpdate: { reset } });
    expect(scene.versionsOf(FOREIGN)).toEqual({ '3.2.0': 2 });
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 2 });
  });

  it('begins on every target before it waits for a device, without rate and abort criteria', async () => {
    const devices = scene.line(4);
    const job = {
      jobExecutionsRolloutConfig: { maximumPerMinute: 50 },
      timeoutConfig: { inProgressTimeoutInMinutes: 5 },
    };
    Object.assign(scene.aws.fleet.deployments.at(-1)!.request, { iotJobConfiguration: job });
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, HALF);
      await turns.until(id, doors, 1, 'soaking');
      for (const device of devices) device.isOnline = false;
      await rollBack(id);
      const { steps } = await turns.untilSo(
        id,
        doors,
        (rollout) => rollout.steps.filter(({ state }) => state === 'deploying').length === 2,
      );
      expect(steps.slice(2).map(({ kind, state }) => `${kind} ${state}`)).toEqual([
        'roll-back deploying',
        'roll-back deploying',
      ]);
      for (const device of devices) device.isOnline = true;
      expect((await turns.carry(id, doors)).state).toBe('rolled-back');
    });
    const [, forth, , back] = scene.aws.fleet.deployments;
    expect(forth!.request['iotJobConfiguration']).toEqual(job);
    expect(back!.request['iotJobConfiguration']).toEqual({ timeoutConfig: job.timeoutConfig });
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 4 });
  });
});

describe('a wave', { timeout: 60_000 }, () => {
  it('whose deployment somebody cancels is held, though most devices have it', async () => {
    const devices = scene.line(6);
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, HALF);
      const { steps } = await turns.until(id, doors, 0, 'deploying');
      const [late] = await inWave(id, devices);
      late!.isOnline = false;
      const deployment = scene.aws.fleet.latestFor(steps[0]!.targetArn)!;
      for (let look = 0; look < 4; look += 1) scene.aws.fleet.advance(deployment);
      scene.aws.fleet.cancel(deployment);
      const { state, reason } = await turns.carry(id, doors);
      expect(state).toBe('held');
      expect(reason).toContain(`deployment ${deployment.deploymentId} is CANCELED`);
      expect(reason).toContain('2 of 3 have it');
    });
  });

  it('asks for the newest deployment alone while it waits, however many there have been', async () => {
    const [device] = scene.line(1);
    await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, { ...WAVES, waves: [] });
      await turns.until(id, doors, 0, 'deploying');
      device!.isOnline = false;
      for (let old = 0; old < 250; old += 1) scene.aws.fleet.deployments.unshift(history(old));
      scene.aws.greengrass.calls.length = 0;
      await turns.turn(id, doors);
      expect(
        scene.aws.greengrass.calls.filter((call) => call.startsWith('greengrass:ListDeployments')),
      ).toHaveLength(1);
    });
  });
});

const history = (index: number) => ({
  deploymentId: `old-${index}`,
  targetArn: scene.aws.fleet.arnOf(LINE),
  components: BEFORE,
  revision: 1,
  createdAtSeconds: 1,
  request: {},
  status: 'INACTIVE' as const,
  isLatest: false,
});
