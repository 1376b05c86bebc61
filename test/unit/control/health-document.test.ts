import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { FiguresWindow } from '../../../component/control/camera-figures.ts';
import { composeHealth } from '../../../component/control/health-document.ts';
import { withFiguresOf } from '../../../component/control/presence.ts';
import { shadowChange } from '../../../component/control/shadow-diff.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { MAX_HEALTH_BYTES, type DeviceHealth } from '../../../component/contract/device-health.ts';
import { VedetteError, type SerializedError } from '../../../component/contract/errors.ts';
import type { CameraStatus } from '../../../component/contract/ports.ts';
import { InMemoryRuntime } from '../../support/in-memory-runtime.ts';

const reason = new VedetteError('CAMERA_SOURCE_FAILED', 'x'.repeat(5000)).serialize();
const camera = (name: string, state: CameraStatus['state'] = 'running'): CameraStatus => ({
  name,
  title: name,
  kind: 'push',
  model: 'm',
  state,
  stateSinceMs: 0,
  ...(state === 'failed' ? { reason } : {}),
  framesDelivered: 0,
  framesJudged: 0,
  framesDropped: {},
  restarts: 0,
  framesPerSecond: 0,
  stageMs: { queue: 0, preprocess: 0, run: 0, decode: 0, store: 0, total: 0 },
  outcomes: { pass: 0, fail: 0, review: 0, error: 0 },
});

async function health(
  cameras: CameraStatus[],
  refused: [string, SerializedError][] = [],
): Promise<DeviceHealth> {
  const runtime = new InMemoryRuntime();
  runtime.config = runtimeConfigSchema.parse({ thing: 'station-7', dataFolder: tmpdir() });
  runtime.cameraList = cameras;
  return composeHealth({
    runtime,
    figures: new FiguresWindow(),
    holds: ['outside of every maintenance window'],
    refused: new Map(refused),
    delivery: { waiting: 3, oldestSeconds: 12, givenUp: 0 },
    availability: 'online',
    sequence: 7,
  });
}

describe('the health document', () => {
  test('says who, since when, how it is and why updates wait', async () => {
    const document = await health([camera('dock')]);
    expect(document).toMatchObject({
      thing: 'station-7',
      availability: 'online',
      sequence: 7,
      nextWithinSeconds: 120,
      isReady: true,
      holds: ['outside of every maintenance window'],
      cameras: { dock: { state: 'running', figures: { results: 0 } } },
      delivery: { waiting: 3 },
    });
    expect(document.disk.freeBytes).toBeGreaterThan(0);
  });

  test('stays small with hundreds of cameras and long reasons; what is in trouble stays in it', async () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      camera(`camera-${index}`, index === 250 ? 'failed' : 'running'),
    );
    const refused = Array.from({ length: 50 }, (_, index) => [`cameras/${index}`, reason] as const);
    const document = await health(
      many,
      refused.map(([path, error]) => [path, error]),
    );
    expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThanOrEqual(MAX_HEALTH_BYTES);
    expect(document.cameras['camera-250']).toMatchObject({
      state: 'failed',
      reason: 'CAMERA_SOURCE_FAILED',
    });
    const shown = Object.keys(document.cameras).length;
    expect(shown).toBeGreaterThan(3);
    expect(document.camerasOmitted).toBe(300 - shown);
  });

  test('with the figures of before differs only by its states', async () => {
    const before = await health([camera('dock'), camera('gate')]);
    const now = {
      ...(await health([camera('dock'), camera('gate', 'failed')])),
      sequence: 8,
      startedAt: before.startedAt,
    };
    now.cameras['dock'] = {
      ...now.cameras['dock']!,
      figures: { ...now.cameras['dock']!.figures!, pass: 9 },
    };
    const wanted = withFiguresOf(now, before);
    expect(shadowChange(before, wanted)).toEqual({
      cameras: { gate: { state: 'failed', reason: 'CAMERA_SOURCE_FAILED' } },
    });
  });
});
