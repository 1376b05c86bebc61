import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askFor } from '../../../cloud-publisher/deployment/ask-for.ts';
import { advanceRollout } from '../../../cloud-publisher/deployment/advance-rollout.ts';
import type { FleetDoors } from '../../../cloud-publisher/deployment/fleet-doors.ts';
import type { Rollout } from '../../../cloud-publisher/deployment/rollout.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import {
  BEFORE,
  DeploymentScene,
  FOREIGN,
  LINE,
  MODEL,
  RUNTIME,
  healthReport,
} from '../../support/deployment-scene.ts';
import { ACCESS_KEY } from '../../support/emulated-aws/emulated-aws.ts';
import type { EmulatedDevice } from '../../support/emulated-aws/emulated-device.ts';
import { fault } from '../../support/emulated-aws/rest-json.ts';
import { RolloutTurns, WAVES, withEmulatedFleet } from '../../support/rollout-turns.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';

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
const start = (id: string) => turns.start(id);
const carry = (id: string, doors: FleetDoors) => turns.carry(id, doors);
const until = (id: string, doors: FleetDoors, position: number, state: string) =>
  turns.until(id, doors, position, state);

/** Plans, begins and carries on to the end. */
const rollOut = (content: object = WAVES): Promise<Rollout> =>
  withEmulatedFleet(async (doors) => {
    const id = await plan(doors, content);
    await start(id);
    return carry(id, doors);
  });

const MADE_ONCE = ['vedette-ID-1 caps-2: 20 % of line-7', 'line-7 caps-2: all of line-7'];
const isNew = (device: EmulatedDevice) => device.installed.get(MODEL)?.version === '2.0.0';

describe('a roll-out', { timeout: 60_000 }, () => {
  it('keeps what others deploy between its waves', async () => {
    const devices = scene.line(5);
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors);
      await start(id);
      await until(id, doors, 0, 'passed');
      scene.publish(FOREIGN, '3.2.0');
      scene.deploy(LINE, { ...BEFORE, [FOREIGN]: { componentVersion: '3.2.0' } });
      const { state, reason } = await carry(id, doors);
      expect(state, reason).toBe('completed');
    });
    expect(scene.made()).toEqual(MADE_ONCE);
    expect(scene.versionsOf(FOREIGN)).toEqual({ '3.2.0': devices.length });
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': devices.length });
  });

  it('is held when somebody else changes the same component', async () => {
    scene.line(5);
    scene.publish(MODEL, '1.5.0');
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors);
      await start(id);
      await until(id, doors, 0, 'passed');
      scene.deploy(LINE, { ...BEFORE, [MODEL]: { componentVersion: '1.5.0' } });
      const { state, reason } = await carry(id, doors);
      expect(state).toBe('held');
      expect(reason).toMatch(
        /somebody else deployed to line-7 .* changed io\.vedette\.model\.caps/,
      );
    });
    expect(scene.made()).toEqual(MADE_ONCE.slice(0, 1));
  });

  it('is held when a deployment came in between reading and writing, and names it', async () => {
    scene.line(2);
    let theirs = '';
    scene.aws.greengrass.onCall = (operation, moment) => {
      if (operation !== 'greengrass:CreateDeployment' || moment !== 'before' || theirs) return;
      theirs = scene.deploy(LINE, BEFORE, 'in between').deploymentId;
    };
    const { state, reason } = await rollOut({ ...WAVES, waves: [] });
    expect(state).toBe('held');
    expect(reason).toContain(`'in between' (${theirs}) came in between and was replaced`);
  });

  it('makes no deployment any more when it was held, and says of one that it was already making', async () => {
    const { greengrass } = scene.aws;
    /** Holds it while its deployment is made. */
    async function heldAt(operation: string, moment: 'before' | 'after') {
      scene.clear();
      scene.line(2);
      return withEmulatedFleet(async (doors) => {
        const id = await turns.begin(doors, { ...WAVES, waves: [] });
        await until(id, doors, 0, 'creating');
        let answered = '';
        greengrass.onCall = async (called, at) => {
          if (called !== operation || at !== moment || answered !== '') return;
          await askFor('hold', await records.rollout(id), records);
          answered = (await records.rollout(id)).reason;
        };
        await turns.turn(id, doors);
        greengrass.onCall = () => undefined;
        const carried = await carry(id, doors);
        expect(carried.state).toBe('held');
        return { answered, made: scene.made() };
      });
    }
    const early = await heldAt('greengrass:ListDeployments', 'after');
    expect(early).toMatchObject({ answered: 'asked for', made: [] });
    for (const moment of ['before', 'after'] as const) {
      const { answered, made } = await heldAt('greengrass:CreateDeployment', moment);
      expect(answered).toBe(
        'asked for while the deployment of all of line-7 was being made: that one still reaches its devices',
      );
      expect(made).toEqual(['line-7 caps-2: all of line-7']);
    }
    // What was held before it was made is made when it is resumed.
    scene.clear();
    scene.line(2);
    const again = await withEmulatedFleet(async (doors) => {
      const id = await turns.begin(doors, { ...WAVES, waves: [] });
      await until(id, doors, 0, 'creating');
      await askFor('hold', await records.rollout(id), records);
      await askFor('resume', await records.rollout(id), records);
      return carry(id, doors);
    });
    expect(again.state, again.reason).toBe('completed');
    expect(scene.made()).toEqual(['line-7 caps-2: all of line-7']);
  });

  it('is taken back when the deployment fails on a device, with its reason', async () => {
    const devices = scene.line(3);
    for (const device of devices)
      device.installFault = ({ components }) =>
        components[MODEL]?.componentVersion === '2.0.0' ? 'golden pictures differ' : undefined;
    const { state, reason } = await rollOut();
    expect(state).toBe('rolled-back');
    expect(reason).toMatch(/1 of 1 failed: line-7-station-\d: FAILED, golden pictures differ/);
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 3 });
  });

  it('is taken back when AWS cancels its deployment by the abort criteria of the plan', async () => {
    const devices = scene.line(4);
    devices[0]!.installFault = ({ components }) =>
      components[MODEL]?.componentVersion === '2.0.0' ? 'no space' : undefined;
    const criterion = {
      failureType: 'FAILED',
      thresholdPercentage: 20,
      minNumberOfExecutedThings: 1,
    };
    const { state, reason } = await rollOut({
      ...WAVES,
      waves: [],
      iotJobConfiguration: { abortConfig: { criteriaList: [criterion] } },
    });
    expect(state).toBe('rolled-back');
    expect(reason).toMatch(/line-7/);
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 4 });
  });

  it('is taken back when somebody takes a single device out of its deployment', async () => {
    const devices = scene.line(3);
    for (const device of devices) device.looksToInstall = Number.POSITIVE_INFINITY;
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors, { ...WAVES, waves: [] });
      await start(id);
      await until(id, doors, 0, 'deploying');
      const { deploymentId } = (await records.rollout(id)).steps[0]!;
      for (const device of devices) {
        device.looksToInstall = 1;
        device.looksLeft.clear();
      }
      const taken = devices[1]!;
      await expect
        .poll(async () => {
          await advanceRollout(await records.rollout(id), doors, records, () => undefined);
          return taken.executions.has(deploymentId!);
        })
        .toBe(true);
      taken.executions.get(deploymentId!)!.status = 'CANCELED';
      const { state, reason } = await carry(id, doors);
      expect(state).toBe('rolled-back');
      expect(reason).toContain(`${taken.name}: CANCELED`);
    });
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 3 });
  });

  it('takes every wave back when the last one gets worse, with the configuration that was', async () => {
    const devices = scene.line(5);
    const last = devices.map((device) => ({ device, before: device.installed.get(RUNTIME) }));
    const before = structuredClone(last.map((one) => one.before?.configuration));
    for (const device of devices)
      device.report = (one, nowMs) =>
        healthReport(one, nowMs, {
          isReady: devices.filter(isNew).length < 5,
        });
    const merge = { log: { level: 'debug', file: 'x' }, models: { caps: { package: 'caps@2' } } };
    const { state, reason } = await rollOut({
      ...WAVES,
      components: { ...WAVES.components, [RUNTIME]: { version: '1.0.0', merge } },
    });
    expect(state, reason).toBe('rolled-back');
    expect(reason).toMatch(/^all of line-7: .* is not ready/);
    expect(scene.made()).toEqual([
      ...MADE_ONCE,
      'line-7 caps-2: back: all of line-7',
      'vedette-ID-1 caps-2: back: 20 % of line-7',
    ]);
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 5 });
    expect(devices.map((one) => one.installed.get(RUNTIME)?.configuration)).toEqual(before);
  });

  it('is held when a whole wave is off, and goes on when it is resumed', async () => {
    const devices = scene.line(5);
    for (const device of devices) device.isOnline = false;
    await withEmulatedFleet(async (doors) => {
      const waves = [{ percent: 20, deviceTimeoutMinutes: 0.001 }];
      const id = await plan(doors, { ...WAVES, waves });
      await start(id);
      const held = await carry(id, doors);
      expect(held.state).toBe('held');
      expect(held.reason).toMatch(/0 of 1 have it after 0 min.*not reached: line-7-station/);
      for (const device of devices) device.isOnline = true;
      const step = held.steps[0]!;
      await records.change(id, step.position, 'deploying', { beganAtMs: Date.now() + 60_000 });
      await records.enter(id, ['held'], 'running', '');
      expect((await carry(id, doors)).state).toBe('completed');
    });
    expect(scene.made()).toEqual(MADE_ONCE);
  });

  it('goes on without a device that is off; it gets the version when it comes back', async () => {
    const devices = scene.line(5);
    devices[3]!.isOnline = false;
    const file = { ...WAVES, waves: [], deviceTimeoutMinutes: 0.04 };
    const { state, reason } = await rollOut(file);
    expect(state, reason).toBe('completed');
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 4, '1.0.0': 1 });
    devices[3]!.isOnline = true;
    for (let look = 0; look < 3; look += 1) scene.aws.fleet.advanceDevice(devices[3]!.name);
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 5 });
  });

  it('that is completed can be taken back, and what ran where is remembered', async () => {
    const [device] = scene.line(5);
    const { id } = await rollOut();
    await records.enter(id, ['completed'], 'rolling-back', 'asked for');
    const back = await withEmulatedFleet((doors) => carry(id, doors));
    expect(back.state, back.reason).toBe('rolled-back');
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 5 });
    const history = await records.devices.of(device!.name);
    expect(history[0]).toMatchObject({ rolloutId: id, rollout: 'caps-2', outcome: 'SUCCEEDED' });
    expect(history.length).toBeGreaterThanOrEqual(2);
  });

  it('goes to single things and to groups of their own, without subdeployments', async () => {
    scene.line(2);
    const [single] = scene.line(1, {}, 'single');
    single!.runtime = 'aws_nucleus_lite';
    const { state, reason } = await rollOut({
      ...WAVES,
      target: undefined,
      waves: [{ target: `thing/${single!.name}` }, { target: LINE }],
    });
    expect(state, reason).toBe('completed');
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 3 });
  });
});

describe('reports of health', { timeout: 60_000 }, () => {
  it('are waited for, however short the soak time; none until their time is over is worse', async () => {
    const devices = scene.line(1);
    let isSilent = true;
    devices[0]!.report = (one, nowMs) => (isSilent ? undefined : healthReport(one, nowMs));
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors, { ...WAVES, waves: [], soakMinutes: 0 });
      await start(id);
      await until(id, doors, 0, 'soaking');
      const soaking = await records.rollout(id);
      for (let look = 0; look < 3; look += 1)
        expect(await advanceRollout(soaking, doors, records, () => undefined)).toBe(false);
      isSilent = false;
      expect((await carry(id, doors)).state).toBe('completed');
    });
    isSilent = true;
    scene.publish(MODEL, '3.0.0');
    const { state, reason } = await rollOut({
      ...WAVES,
      components: { [MODEL]: { version: '3.0.0' } },
      waves: [],
      gates: { reportMaxAgeSeconds: 0.2 },
    });
    expect(state).toBe('rolled-back');
    expect(reason).toContain('has reported nothing since');
  });
});

describe('the right to carry a roll-out on', { timeout: 60_000 }, () => {
  it('has one process at a time, until its time is over or it is known to be gone', async () => {
    scene.line(1);
    const id = await withEmulatedFleet((doors) => plan(doors, { ...WAVES, waves: [] }));
    expect(await records.lease(id, 'far/1', 60_000)).toBeUndefined();
    expect(await records.lease(id, 'far/1', 60_000)).toBeUndefined();
    expect(await records.lease(id, 'here/2', 60_000)).toBe('far/1');
    expect(await records.lease(id, 'here/2', 1, 'far/1')).toBeUndefined();
    await expect.poll(() => records.lease(id, 'far/3', 60_000)).toBeUndefined();
    await records.release(id, 'here/2');
    expect(await records.lease(id, 'here/2', 60_000)).toBe('far/3');
    await records.release(id, 'far/3');
    expect(await records.lease(id, 'here/2', 60_000)).toBeUndefined();
  });

  it('is of no use to one that lost it: a step moves on once', async () => {
    scene.line(1);
    const id = await withEmulatedFleet((doors) => plan(doors, { ...WAVES, waves: [] }));
    await records.change(id, 0, 'waiting', { state: 'creating' });
    await expect(records.change(id, 0, 'waiting', { state: 'creating' })).rejects.toMatchObject({
      code: 'ROLLOUT_STATE_CHANGED',
    });
  });
});

describe('AWS in trouble during a roll-out', { timeout: isDeep ? 900_000 : 120_000 }, () => {
  /** Every operation of a roll-out, by the server that answers it. */
  const OPERATIONS = [
    'greengrass:ListDeployments',
    'greengrass:GetDeployment',
    'greengrass:CreateDeployment',
    'greengrass:CancelDeployment',
    'iot:CreateThingGroup',
    'iot:AddThingToThingGroup',
    'iot:DeleteThingGroup',
    'iot:ListJobExecutionsForJob',
    'iot:GetThingShadow',
  ];
  const TROUBLES = {
    throttled: fault(429, 'ThrottlingException', 'Rate exceeded'),
    'out of order': fault(500, 'InternalServerException', 'internal'),
    cut: 'cut' as const,
  };
  const serverOf = (operation: string) => {
    const { greengrass, iot, iotData } = scene.aws;
    if (operation.startsWith('greengrass:')) return greengrass;
    return operation === 'iot:GetThingShadow' ? iotData : iot;
  };

  // Throttled calls are tried again after half a second and more.
  const SOME = ['greengrass:CreateDeployment', 'iot:ListJobExecutionsForJob'];
  const cases = Object.keys(TROUBLES).flatMap((trouble): [string, readonly string[]][] =>
    isDeep
      ? OPERATIONS.map((operation) => [trouble, [operation]])
      : [[trouble, trouble === 'throttled' ? SOME : OPERATIONS]],
  );

  it.each(cases)('(%s) makes no deployment twice', async (trouble, operations) => {
    scene.line(5);
    const answer = TROUBLES[trouble as keyof typeof TROUBLES];
    for (const operation of operations) {
      const server = serverOf(operation);
      server.faults.push({ operation, times: 1, answer });
      // The service has done its work and its answer is lost: the client cannot know.
      server.faults.push({ operation, times: 1, answer, isAfter: true });
    }
    const { state, reason } = await rollOut();
    expect(state, reason).toBe('completed');
    expect(scene.made()).toEqual(MADE_ONCE);
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 5 });
    for (const operation of operations)
      expect(
        serverOf(operation).faults.every(({ times }) => times === 0),
        operation,
      ).toBe(true);
  });

  it('credentials that expire midway end it with their error; with new ones it goes on', async () => {
    scene.line(5);
    await withEmulatedFleet(async (doors) => {
      const id = await plan(doors);
      await start(id);
      let calls = 0;
      scene.aws.greengrass.onCall = (operation) => {
        if (operation !== 'greengrass:CreateDeployment' || calls > 0) return;
        calls += 1;
        scene.aws.keys.set(ACCESS_KEY, { state: 'expired', denied: new Set() });
      };
      await expect(carry(id, doors)).rejects.toMatchObject({ code: 'AWS_CREDENTIALS_EXPIRED' });
      scene.aws.keys.set(ACCESS_KEY, { state: 'valid', denied: new Set() });
      const { state, reason } = await carry(id, doors);
      expect(state, reason).toBe('completed');
    });
    expect(scene.made()).toEqual(MADE_ONCE);
  });

  it('a call that is denied is named with the statement that would allow it', async () => {
    scene.line(5);
    scene.aws.denied.add('iot:CreateThingGroup');
    await expect(rollOut()).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      message: expect.stringContaining('"Action":"iot:CreateThingGroup"') as string,
    });
    scene.aws.denied.clear();
  });
});
