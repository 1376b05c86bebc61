import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  DeploymentScene,
  FOREIGN,
  LINE,
  MODEL,
  healthReport,
} from '../../support/deployment-scene.ts';
import { runPublisher } from '../../support/run-publisher.ts';

let scene: DeploymentScene;

beforeAll(async () => {
  scene = await DeploymentScene.open();
});
beforeEach(() => scene.clear());
afterAll(() => scene.close());

const run = (...args: string[]) => runPublisher(scene.arguments(...args), scene.aws.environment());

/** Seconds instead of hours. */
const QUICK = { soakMinutes: 0.005, deviceTimeoutMinutes: 0.5 };

describe('vedette deploy apply', { timeout: 60_000 }, () => {
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
    expect(scene.versionsOf(FOREIGN)).toEqual({ '3.1.0': 6 });
    expect([...scene.aws.fleet.groups.keys()]).toEqual(['line-7']);
  });
});
