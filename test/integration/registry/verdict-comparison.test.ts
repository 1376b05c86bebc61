import { describe, expect, test } from 'vitest';
import type { NewResult } from '../../../component/contract/ports.ts';
import { sampleResult } from './sample-result.ts';
import { openRegistry } from './temporary-registry.ts';

const stream = { durability: 'stream' } as const;

/** With the weights of every other: new labels or thresholds make another version. */
const ofVersion = (version: string, sample: Parameters<typeof sampleResult>[0]): NewResult => {
  const result = sampleResult(sample);
  return { ...result, model: { ...result.model, version } };
};

const keyOf = ({ model: { version, sha256 } }: NewResult) => ({ version, sha256 });
const MODEL = 'coco-detector';

describe('two versions with the same weights', () => {
  test('have labels of their own, whether they acted or were compared', async () => {
    const { registry } = await openRegistry();
    const active = ofVersion('1.0.0', { outcome: 'fail' });
    const canary = ofVersion('2.0.0', { outcome: 'pass' });
    for (const result of [active, canary]) {
      await registry.appendResult(result, stream);
      await registry.labelResult({ resultId: result.id, outcome: 'fail' });
    }
    await registry.appendShadow({
      resultId: active.id,
      model: MODEL,
      camera: 'walkway',
      candidate: canary.model,
      activeOutcome: 'fail',
      verdict: { outcome: 'fail', reason: 'seen' },
      findings: {},
      timings: { queueMs: 0, totalMs: 1 },
    });
    const [one, other] = [keyOf(active), keyOf(canary)];
    const asked = { model: MODEL, active: one, candidate: other };
    expect(await registry.labelFigures(asked)).toEqual({
      active: { labelled: 1, right: 1 },
      candidate: { labelled: 2, right: 1 },
    });
    const third = { ...other, version: '3.0.0' };
    expect(await registry.labelFigures({ ...asked, candidate: third })).toMatchObject({
      candidate: { labelled: 0, right: 0 },
    });
  });

  test('have recent results of their own, with the code of an error', async () => {
    const { registry } = await openRegistry();
    const failed: NewResult = {
      ...ofVersion('1.0.0', { outcome: 'error' }),
      error: { code: 'IMAGE_CORRUPT', message: 'half a picture' },
    };
    const passed = ofVersion('2.0.0', { outcome: 'pass' });
    await registry.appendResult(failed, stream);
    await registry.appendResult(passed, stream);
    const recent = (version: ReturnType<typeof keyOf>) =>
      registry.recentOutcomes({ camera: 'walkway', model: MODEL, version, limit: 10 });
    expect(await recent(keyOf(failed))).toMatchObject([
      { outcome: 'error', errorCode: 'IMAGE_CORRUPT' },
    ]);
    expect(await recent(keyOf(passed))).toMatchObject([{ outcome: 'pass', errorCode: null }]);
  });
});
