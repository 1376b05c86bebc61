import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseDevices } from '../../../cloud-publisher/deployment/choose-devices.ts';
import { parseDeploymentFile } from '../../../cloud-publisher/deployment/read-deployment-file.ts';

const GOOD = `
name: caps-2
target: thinggroup/line-7
components:
  io.vedette.model.caps: { version: 2.0.0 }
waves:
  - group: canaries
    soakMinutes: 120
  - percent: 25
gates:
  maxErrorRate: 0.01
iotJobConfiguration:
  jobExecutionsRolloutConfig: { maximumPerMinute: 50 }
`;

describe('a deployment file', () => {
  it('is taken as docs/PUBLISHER.md shows it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/PUBLISHER.md'), 'utf8');
    const [, example = ''] = /## Deployments[^]*?```yaml\n([^]*?)```/.exec(page)!;
    expect(parseDeploymentFile(example, 'docs')).toMatchObject({ name: 'caps-2', soakMinutes: 30 });
  });

  it('has a default for everything that it does not say', () => {
    const file = parseDeploymentFile(GOOD, 'x.yaml');
    expect(file).toMatchObject({
      soakMinutes: 30,
      deviceTimeoutMinutes: 60,
      remove: [],
      gates: { maxErrorRate: 0.01, maxWorseDevices: 0, minReachedPercent: 50 },
      waves: [{ group: 'canaries', soakMinutes: 120 }, { percent: 25 }],
    });
  });

  it('that is wrong is refused with every problem at once', () => {
    const bad = `
name: ''
target: line-7
components: { io.vedette.model.caps: { version: latest } }
waves: [{ percent: 5, group: x }, { percent: 100 }]
gates: { maxErrorRate: 5 }
iotJobConfiguration: { jobExecutionsRolloutConfig: { maximumPerMinute: 0 } }
unknown: 1
`;
    expect(() => parseDeploymentFile(bad, 'x.yaml')).toThrow(
      expect.objectContaining({
        code: 'DEPLOYMENT_INVALID',
        message: expect.stringMatching(
          /name: .*target: expected thinggroup.*caps\.version: expected a version.*waves\.0: expected one of.*waves\.1\.percent: .*maxErrorRate: .*maximumPerMinute: .*unknown/,
        ) as string,
      }),
    );
  });

  it.each([
    ['nothing to deploy', 'name: x\ntarget: thing/a', /names no component/],
    ['no target', 'name: x\ncomponents: { a: { version: 1.0.0 } }', /target: is missing/],
    [
      'a component that is to come and to go',
      'name: x\ntarget: thing/a\ncomponents: { a: { version: 1.0.0 } }\nremove: [a]',
      /remove\.0: a is among components too/,
    ],
    [
      'a part of a single thing',
      'name: x\ntarget: thing/a\ncomponents: { a: { version: 1.0.0 } }\nwaves: [{ percent: 5 }]',
      /waves\.0: is a part of the target, which is no thing group/,
    ],
    [
      'percentages that do not grow',
      'name: x\ntarget: thinggroup/a\ncomponents: { a: { version: 1.0.0 } }\nwaves: [{ percent: 50 }, { percent: 20 }]',
      /waves\.1\.percent: is not more than the 50/,
    ],
    ['no YAML', 'name: [', /is no YAML/],
  ])('with %s is refused', (_what, text, message) => {
    expect(() => parseDeploymentFile(text, 'x.yaml')).toThrow(message);
  });
});

describe('devices of a wave', () => {
  const all = Array.from({ length: 1000 }, (_, index) => `station-${index}`);

  it('are as many as bring the share up to its percentage, none twice', () => {
    const first = chooseDevices(all, new Set(), 10, 'caps-2');
    const second = chooseDevices(all, new Set(first), 50, 'caps-2');
    expect([first.length, second.length]).toEqual([100, 400]);
    expect(new Set([...first, ...second]).size).toBe(500);
  });

  it('are the same when the plan is made again, whatever order devices are listed in', () => {
    const first = chooseDevices(all, new Set(), 3, 'caps-2');
    expect(chooseDevices(all.toReversed(), new Set(), 3, 'caps-2')).toEqual(first);
    expect(chooseDevices(all, new Set(), 3, 'caps-3')).not.toEqual(first);
  });

  it('are at least one', () => {
    expect(chooseDevices(['a', 'b'], new Set(), 1, 'x')).toHaveLength(1);
  });
});
