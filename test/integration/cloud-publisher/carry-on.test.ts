import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withFleet } from '../../../cloud-publisher/commands/with-fleet.ts';
import {
  isLeaseOwnerGone,
  leaseHolderName,
  newLeaseOwner,
} from '../../../cloud-publisher/deployment/lease-owner.ts';
import { compareFleet, lookAtFleet } from '../../../cloud-publisher/fleet/look-at-fleet.ts';
import { GREENGRASS_CALLS_PER_SECOND } from '../../../cloud-publisher/greengrass/call-pace.ts';
import { openDatabase } from '../../../cloud-publisher/registry/open-database.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import { DeploymentScene } from '../../support/deployment-scene.ts';
import { ACCESS_KEY } from '../../support/emulated-aws/emulated-aws.ts';
import { RolloutTurns, WAVES, withEmulatedFleet } from '../../support/rollout-turns.ts';

let scene: DeploymentScene;
let state = '';
let records: RolloutRecords;
let turns: RolloutTurns;

beforeAll(async () => {
  scene = await DeploymentScene.open();
  Object.assign(process.env, scene.aws.environment());
  state = scene.state;
  records = await RolloutRecords.open(state);
  turns = new RolloutTurns(records);
});
beforeEach(() => scene.clear());
afterAll(async () => {
  await records.close();
  await scene.close();
});

const WHOLE = { ...WAVES, waves: [] };

describe('a watch', { timeout: 60_000 }, () => {
  it.each(['rollouts', 'rollout_events'])(
    'goes on when its records are out of order for a while (%s)',
    async (table) => {
      scene.line(1);
      const db = await openDatabase(state);
      try {
        await withEmulatedFleet(async (doors) => {
          const id = await turns.begin(doors, WHOLE);
          await db.schema.alterTable(table).renameTo('elsewhere').execute();
          const shown: string[] = [];
          const onProgress = (text: string): void => {
            if (shown.push(text) === 1)
              void db.schema.alterTable('elsewhere').renameTo(table).execute();
          };
          const { state: end } = await turns.carry(id, doors, { onProgress });
          expect(end).toBe('completed');
          expect(shown[0]).toMatch(/^PUBLISHER_RECORDS_UNAVAILABLE: .*; tried again$/);
        });
      } finally {
        await db.destroy();
      }
    },
  );

  it('ends with what ended it, also when its right cannot be given back', async () => {
    scene.line(1);
    const db = await openDatabase(state);
    const stop = new AbortController();
    const reason = new Error('it is interrupted');
    try {
      await withEmulatedFleet(async (doors) => {
        const id = await turns.begin(doors, WHOLE);
        await db.schema.alterTable('rollouts').renameTo('elsewhere').execute();
        const shown: string[] = [];
        const onProgress = (text: string): void => {
          shown.push(text);
          stop.abort(reason);
        };
        await expect(turns.carry(id, doors, { signal: stop.signal, onProgress })).rejects.toBe(
          reason,
        );
        expect(shown.at(-1)).toContain('the right to carry it on ends in a minute');
      });
    } finally {
      await db.schema.alterTable('elsewhere').renameTo('rollouts').execute();
      await db.destroy();
    }
  });
});

it('keys that somebody renewed in a file hold without a restart', { timeout: 60_000 }, async () => {
  scene.line(1);
  const file = join(scene.folder, 'credentials');
  const write = (key: string) =>
    writeFile(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = emulated\n`);
  const before = { ...process.env };
  delete process.env['AWS_ACCESS_KEY_ID'];
  delete process.env['AWS_SECRET_ACCESS_KEY'];
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = file;
  try {
    await write(ACCESS_KEY);
    await withEmulatedFleet(async (doors) => {
      expect(await doors.deployments.newest(doors.iotArn + ':thinggroup/line-7')).toBeDefined();
      scene.aws.keys.set(ACCESS_KEY, { state: 'expired', denied: new Set() });
      await expect(doors.shadows.healthOf(['line-7-station-1'])).rejects.toMatchObject({
        code: 'AWS_CREDENTIALS_EXPIRED',
      });
      scene.aws.keys.set('AKIARENEWED', { state: 'valid', denied: new Set() });
      await write('AKIARENEWED');
      const look = () => doors.shadows.healthOf(['line-7-station-1']).then(({ size }) => size);
      await expect.poll(look).toBe(1);
      expect(scene.aws.iotData.callers.at(-1)).toBe('AKIARENEWED');
    });
  } finally {
    scene.aws.keys.set(ACCESS_KEY, { state: 'valid', denied: new Set() });
    process.env = before;
  }
});

describe('who carries a roll-out on', () => {
  it('is one of its own each time, and known to be gone where its process was alone', async () => {
    const [owner, other] = [await newLeaseOwner(), await newLeaseOwner()];
    expect(owner).not.toBe(other);
    expect(leaseHolderName(owner)).toBe(leaseHolderName(other));
    expect(await isLeaseOwnerGone(owner)).toBe(false);
    const [host, , space, random] = owner.split('/');
    const ended = spawnSync(process.execPath, ['--version']).pid;
    expect(await isLeaseOwnerGone([host, ended, space, random].join('/'))).toBe(true);
    // Of a container named alike, in whose place the pid means another process, and of older records.
    expect(await isLeaseOwnerGone([host, ended, `${space}1`, random].join('/'))).toBe(false);
    expect(await isLeaseOwnerGone(`${host}/${ended}`)).toBe(false);
  });
});

it(
  'Greengrass is asked as often as it answers, whichever gateway asks',
  { timeout: 60_000 },
  async () => {
    const devices = scene.line(GREENGRASS_CALLS_PER_SECOND + 10);
    const { greengrass } = scene.aws;
    greengrass.deployments.callsPerSecond = GREENGRASS_CALLS_PER_SECOND;
    greengrass.calls.length = 0;
    await withFleet({}, async (doors) => {
      await doors.components.recipe('io.vedette.model.caps', '1.0.0');
      await compareFleet(await lookAtFleet(undefined, 1e9, doors), doors);
    });
    // None was refused, so that none was asked twice.
    const asked = greengrass.calls.filter((call) => call.includes('ListInstalledComponents'));
    expect(asked).toHaveLength(devices.length);
    expect(new Set(asked).size).toBe(devices.length);
  },
);
