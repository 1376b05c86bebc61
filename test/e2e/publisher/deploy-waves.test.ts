import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AWS_ACTIONS } from '../../../cloud-publisher/aws/aws-calls.ts';
import { bundledPublisher } from '../../support/bundled-publisher.ts';
import {
  BEFORE,
  DeploymentScene,
  FOREIGN,
  LINE,
  MODEL,
  RUNTIME,
  healthReport,
} from '../../support/deployment-scene.ts';
import { runPublisher } from '../../support/run-publisher.ts';

let scene: DeploymentScene;

/** The publisher in one file with its threads beside it, as it is installed. */
let bundle = '';

beforeAll(async () => {
  scene = await DeploymentScene.open();
  bundle = await bundledPublisher(scene.folder);
}, 120_000);
beforeEach(() => scene.clear());
afterAll(() => scene.close());

const run = (...args: string[]) =>
  runPublisher(scene.arguments(...args), scene.aws.environment(), bundle);

/** Seconds instead of hours. */
const QUICK = { soakMinutes: 0.005, deviceTimeoutMinutes: 0.5 };

describe('vedette deploy apply of the bundled program', { timeout: 60_000 }, () => {
  it('stops and rolls back by itself when the canary reports worse health', async () => {
    const devices = scene.line(6);
    for (const device of devices) {
      device.report = (one, nowMs) =>
        healthReport(
          one,
          nowMs,
          one.installed.get(MODEL)?.version === '2.0.0' ? { errors: 90 } : {},
        );
    }
    const file = await scene.file({
      name: 'caps-2',
      target: LINE,
      components: { [MODEL]: { version: '2.0.0' } },
      waves: [{ percent: 10 }, { percent: 50 }],
      ...QUICK,
    });
    const { code, stdout, stderr } = await run('deploy', 'apply', file, '--poll-seconds', '0.1');
    expect(code, stderr + stdout).toBe(3);
    const shown = JSON.parse(stdout) as { state: string; reason: string };
    expect(shown.state).toBe('rolled-back');
    expect(shown.reason).toMatch(/^10 % of line-7: line-7-station-\d errors in 15\.0 % of results/);
    expect(scene.made()).toEqual([
      'vedette-ID-1 caps-2: 10 % of line-7',
      'vedette-ID-1 caps-2: back: 10 % of line-7',
    ]);
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 6 });
    expect(scene.versionsOf(FOREIGN)).toEqual({ '3.1.0': 6 });
    expect([...scene.aws.fleet.groups.keys()]).toEqual(['line-7']);
  });

  it('brings every device of the line to the new version, wave by wave', async () => {
    scene.line(6);
    const file = await scene.file({
      name: 'caps-2',
      target: LINE,
      components: { [MODEL]: { version: '2.0.0' } },
      waves: [{ percent: 10 }, { percent: 50 }],
      ...QUICK,
    });
    const { code, stdout, stderr } = await run('deploy', 'apply', file, '--poll-seconds', '0.1');
    expect(code, stderr + stdout).toBe(0);
    expect(scene.made()).toEqual([
      'vedette-ID-1 caps-2: 10 % of line-7',
      'vedette-ID-2 caps-2: 50 % of line-7',
      'line-7 caps-2: all of line-7',
    ]);
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 6 });
    const asked = scene.aws.servers.flatMap(({ calls }) =>
      calls.map((call) => call.split(' ')[0]!),
    );
    // HeadObject needs the right to get.
    const actions = asked.map((call) => call.replace('s3:HeadObject', 's3:GetObject'));
    expect(Object.keys(AWS_ACTIONS)).toEqual(expect.arrayContaining([...new Set(actions)]));
    expect(scene.versionsOf(FOREIGN)).toEqual({ '3.1.0': 6 });
    expect([...scene.aws.fleet.groups.keys()]).toEqual(['line-7']);
  });
});

describe('vedette deploy', { timeout: 60_000 }, () => {
  it('says what is wrong with a file or an id before it asks AWS for anything', async () => {
    for (const server of scene.aws.servers) server.calls.length = 0;
    const empty = await runPublisher(
      ['deploy', 'status', '--state', scene.state],
      scene.aws.environment('expired'),
      bundle,
    );
    expect(empty.stdout).toContain('no roll-out is recorded here; `vedette deploy plan <file>`');
    for (const [verb, place, code] of [
      ['plan', 'none.yaml', 'DEPLOYMENT_INVALID: none.yaml could not be read'],
      ['apply', 'none', "ROLLOUT_NOT_FOUND: there is no roll-out 'none'"],
      ['watch', 'none', 'ROLLOUT_NOT_FOUND'],
    ] as const) {
      const args = scene.arguments('deploy', verb, place);
      const { stderr } = await runPublisher(args, scene.aws.environment('expired'), bundle);
      expect(stderr).toContain(code);
    }
    expect(scene.aws.servers.flatMap(({ calls }) => calls)).toEqual([]);
  });

  it('plans with every change and reset, and shows every call before it makes one', async () => {
    const [first] = scene.line(4);
    first!.report = (one, nowMs) => healthReport(one, nowMs, { freeDiskBytes: 1500 });
    scene.publish(RUNTIME, '1.1.0', {
      configuration: { log: { level: 'debug' }, accessControl: { a: 1 }, same: 1 },
    });
    const file = await scene.file({
      name: 'caps-2',
      target: LINE,
      components: {
        [MODEL]: { version: '2.0.0' },
        [RUNTIME]: {
          version: '1.1.0',
          reset: ['/accessControl'],
          merge: { log: { level: 'info' } },
        },
      },
      waves: [{ percent: 30 }],
    });
    const planned = await runPublisher(
      ['deploy', 'plan', file, '--state', scene.state],
      scene.aws.environment(),
      bundle,
    );
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout).toContain(`changed: ${MODEL} 1.0.0 → 2.0.0`);
    expect(planned.stdout).toContain('reset: /accessControl to the default of this version');
    expect(planned.stdout).toContain('/log/level: "warn" → "info"');
    expect(planned.stdout).toContain(
      `note: ${RUNTIME} 1.1.0 has other defaults than 1.0.0 at /log, /same: devices keep`,
    );
    expect(planned.stdout).toContain('0.0 MB to download');
    expect(planned.stdout).toContain('too little disk is free');
    const [, id = ''] = /^plan (\w+): caps-2$/m.exec(planned.stdout)!;
    for (const server of scene.aws.servers) server.calls.length = 0;
    const dry = await run('deploy', 'apply', id, '--dry-run');
    const { calls } = JSON.parse(dry.stdout) as { calls: string[] };
    expect(calls.map((call) => call.split(/[ ,]/)[0])).toEqual([
      'iot:GetThingShadow',
      'iot:CreateThingGroup',
      'iot:AddThingToThingGroup',
      'greengrass:ListDeployments',
      'greengrass:GetDeployment',
      'greengrass:CreateDeployment',
      'greengrass:GetDeployment',
      'iot:GetThingShadow',
      'iot:GetThingShadow',
      'greengrass:ListDeployments',
      'greengrass:CreateDeployment',
      'greengrass:GetDeployment',
      'iot:GetThingShadow',
      'greengrass:CancelDeployment',
      'iot:DeleteThingGroup',
    ]);
    expect(scene.aws.servers.flatMap((server) => server.calls)).toEqual([
      'sts:GetCallerIdentity /',
    ]);
    scene.deploy(LINE, BEFORE, 'theirs');
    const late = await run('deploy', 'apply', id);
    expect(late.code).toBe(3);
    expect(late.stderr).toContain('DEPLOYMENT_CHANGED');
  });
});

describe('vedette fleet', { timeout: 60_000 }, () => {
  it('names devices that do not run what they should, and those that are stale', async () => {
    const [first, second] = scene.line(3);
    first!.installed.set(MODEL, { version: '2.0.0', configuration: {} });
    first!.installed.delete(FOREIGN);
    second!.lastStatusAtMs = Date.now() - 3 * 86_400_000;
    second!.report = () => undefined;
    const [diff, show, list] = await Promise.all([
      run('fleet', 'diff', '--group', 'line-7'),
      run('fleet', 'show', first!.name),
      run('fleet', 'list'),
    ]);
    expect(diff.code, diff.stderr).toBe(0);
    expect(JSON.parse(diff.stdout)).toMatchObject([
      {
        thing: first!.name,
        isStale: false,
        differences: [
          { component: MODEL, wanted: '1.0.0', installed: '2.0.0', deployment: 'before' },
          { component: FOREIGN, wanted: '3.1.0', deployment: 'before' },
        ],
      },
      { thing: second!.name, isStale: true, differences: [] },
    ]);
    expect(JSON.parse(show.stdout)).toMatchObject({
      models: { caps: 'caps@1.0.0 (ready)' },
      deployments: [{ name: 'before', status: 'SUCCEEDED' }],
    });
    expect(JSON.parse(list.stdout)).toHaveLength(3);
  });

  it('takes for extra what was left behind, and not what a deployment brings as a dependency', async () => {
    const agent = 'com.example.Agent';
    scene.publish('com.example.Socket', '1.4.0');
    scene.publish(agent, '1.0.0', { dependencies: { 'com.example.Socket': '^1.0.0' } });
    scene.publish(agent, '2.0.0');
    scene.publish(FOREIGN, '3.1.0', { dependencies: { [agent]: '>=1.0.0 <2.0.0' } });
    const [first, second] = scene.line(2);
    expect([...first!.installed.keys()]).toEqual(
      expect.arrayContaining([agent, 'com.example.Socket']),
    );
    second!.installed.set('com.example.Left', { version: '0.9.0', configuration: {} });
    const { code, stdout, stderr } = await run('fleet', 'diff');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        thing: second!.name,
        differences: [{ component: 'com.example.Left', installed: '0.9.0' }],
      },
    ]);
    const shown = await run('fleet', 'show', first!.name);
    expect(JSON.parse(shown.stdout)).toHaveProperty(
      'components',
      expect.arrayContaining([expect.objectContaining({ component: agent, version: '1.0.0' })]),
    );
  });
});
