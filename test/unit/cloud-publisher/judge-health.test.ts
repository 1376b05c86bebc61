import { describe, expect, it } from 'vitest';
import { healthGatesSchema } from '../../../cloud-publisher/deployment/health-gates.ts';
import { judgeHealth } from '../../../cloud-publisher/deployment/judge-health.ts';
import { readHealth } from '../../../cloud-publisher/fleet/device-health.ts';
import type { DeviceHealth } from '../../../cloud-publisher/fleet/device-health.ts';
import { EmulatedDevice } from '../../support/emulated-aws/emulated-device.ts';
import { healthReport } from '../../support/deployment-scene.ts';

const DEPLOYED_AT_MS = Date.parse('2026-11-21T09:00:00Z');
const NOW_MS = DEPLOYED_AT_MS + 1_200_000;

const gates = healthGatesSchema.parse({});
const moment = {
  nowMs: NOW_MS,
  beganAtMs: DEPLOYED_AT_MS - 60_000,
  deployedAtMs: DEPLOYED_AT_MS,
  isFinal: true,
};

function health(
  figures: Partial<DeviceHealth['window']> = {},
  rest: Partial<DeviceHealth> = {},
): DeviceHealth {
  const verdicts = { pass: 500, fail: 50, review: 50 };
  return {
    atMs: NOW_MS - 30_000,
    isReady: true,
    window: { seconds: 300, results: 600, errors: 6, verdicts, latencyP95Ms: 40, ...figures },
    freeDiskBytes: 1e9,
    components: {},
    models: {},
    ...rest,
  };
}

describe('health of a device after a deployment', () => {
  it.each<[string, DeviceHealth | undefined, DeviceHealth | undefined, string[]]>([
    ['the same as before', health(), health(), []],
    ['better than before', health({ errors: 20, latencyP95Ms: 90 }), health(), []],
    ['not ready', health(), health({}, { isReady: false }), ['is not ready']],
    ['no report', health(), undefined, ['has reported nothing since']],
    [
      'a report from before only',
      health(),
      health({}, { atMs: DEPLOYED_AT_MS - 1 }),
      ['has reported nothing since'],
    ],
    [
      'silent for longer than the limit',
      health(),
      health({}, { atMs: NOW_MS - 700_000 }),
      ['has reported nothing for 700 s'],
    ],
    [
      'too many errors',
      undefined,
      health({ errors: 60 }),
      ['errors in 10.0 % of results, at most 5.0 %'],
    ],
    [
      'more errors than before',
      health({ errors: 0 }),
      health({ errors: 24 }),
      ['errors in 4.0 % of results, 0.0 % before'],
    ],
    [
      'slower than before',
      health(),
      health({ latencyP95Ms: 61 }),
      ['latency p95 is 61 ms, 40 ms before'],
    ],
    [
      'other verdicts than before',
      health(),
      health({ verdicts: { pass: 200, fail: 350, review: 50 } }),
      ['pass in 33.3 % of verdicts, 83.3 % before', 'fail in 58.3 % of verdicts, 8.3 % before'],
    ],
    ['too few results to say', health(), health({ results: 19, errors: 19 }), []],
    ['too few results before', health({ results: 5, errors: 0 }), health({ errors: 24 }), []],
    ['slow from the beginning, nothing before', undefined, health({ latencyP95Ms: 900 }), []],
    [
      'a configuration that it refused since',
      health(),
      health({}, { refusal: { atMs: DEPLOYED_AT_MS - 1000, text: 'CONFIG_INVALID: x' } }),
      ['refuses its configuration: CONFIG_INVALID: x'],
    ],
    [
      'a configuration that it refused long before',
      health(),
      health({}, { refusal: { atMs: DEPLOYED_AT_MS - 90_000, text: 'CONFIG_INVALID: x' } }),
      [],
    ],
  ])('%s', (_what, before, after, reasons) => {
    expect(judgeHealth(before, after, gates, moment)).toEqual(reasons);
  });

  it('has an absolute limit of latency when it is given one', () => {
    const limited = healthGatesSchema.parse({ maxLatencyP95Ms: 30 });
    expect(judgeHealth(undefined, health(), limited, moment)).toEqual([
      'latency p95 is 40 ms, at most 30 ms',
    ]);
  });

  it('is not judged by figures that reach back before the deployment, until the end', () => {
    const early = { ...moment, isFinal: false };
    const mixed = health({ errors: 300 }, { atMs: DEPLOYED_AT_MS + 100_000 });
    const at = { ...early, nowMs: DEPLOYED_AT_MS + 120_000 };
    expect(judgeHealth(health(), mixed, gates, at)).toEqual([]);
    expect(judgeHealth(health(), mixed, gates, { ...at, isFinal: true })).not.toEqual([]);
  });

  it('is waited for as long as a report may take, and longer when none is required', () => {
    const early = { ...moment, isFinal: false, nowMs: DEPLOYED_AT_MS + 300_000 };
    expect(judgeHealth(health(), undefined, gates, early)).toEqual([]);
    const late = { ...early, nowMs: DEPLOYED_AT_MS + 601_000 };
    expect(judgeHealth(health(), undefined, gates, late)).toEqual(['has reported nothing since']);
    const lax = healthGatesSchema.parse({ isReportRequired: false });
    expect(judgeHealth(health(), undefined, lax, moment)).toEqual([]);
  });
});

describe('the shadow of a device', () => {
  it('is read as the runtime writes it', () => {
    const reported = healthReport(new EmulatedDevice('station-1'), NOW_MS, { errors: 7 });
    expect(readHealth(JSON.stringify({ state: { reported } }))).toEqual({
      atMs: NOW_MS,
      isReady: true,
      window: {
        seconds: 0,
        results: 600,
        errors: 7,
        verdicts: { pass: 580, fail: 20, review: 0 },
        latencyP95Ms: 40,
      },
      freeDiskBytes: 8e9,
      components: { 'io.vedette.EdgeRuntime': '1.0.0' },
      models: { caps: 'caps@1.0.0 (ready)' },
    });
  });

  it.each(['', '[]', '{}', '{"state":{"reported":{"isReady":true}}}', '{"state":null}'])(
    'that says %s says nothing',
    (document) => {
      expect(readHealth(document)).toBeUndefined();
    },
  );
});
