import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';

it("a camera's rule on scores below its model's threshold asks for review, until the camera lowers it", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-unseen-scores-'));
  const source = { kind: 'push' };
  // The detector leaves out what scores less than 0.3.
  const doubtful = { kind: 'score-between', label: 'zebra', from: 0.2, to: 0.25 };
  const runtime = await startEdgeRuntime({
    config: runtimeConfigSchema.parse({
      dataFolder: join(folder, 'data'),
      models: { detector: { package: join(samplesFolder, 'models/coco-detector') } },
      chains: { lower: { steps: { find: { model: 'detector', scoreThreshold: 0.2 } } } },
      cameras: {
        unset: { model: 'detector', source },
        lowered: { model: 'detector', source, thresholds: { labels: { zebra: 0.2 } } },
        chained: { model: 'lower', source },
      },
      rules: {
        'doubt-unset': { camera: 'unset', ...doubtful },
        'doubt-lowered': { camera: 'lowered', ...doubtful },
        'doubt-chained': { camera: 'chained', ...doubtful },
      },
    }),
    version: '0.1.0',
    logger: pino({ level: 'silent' }),
    readSecret: async () => '',
  });
  try {
    while (!runtime.readiness().isReady) await new Promise((resolve) => setTimeout(resolve, 20));
    const picture = join(samplesFolder, 'images/street/walkway-00.jpg');
    const verdictOf = async (camera: string) =>
      (await runtime.pushFrame(camera, { data: new Uint8Array(await readFile(picture)) })).verdict;
    expect(await verdictOf('unset')).toMatchObject({
      outcome: 'review',
      rule: 'doubt-unset',
      reason: expect.stringContaining('the threshold 0.3 are left out') as string,
    });
    expect((await verdictOf('lowered')).outcome).toBe('pass');
    expect((await verdictOf('chained')).outcome).toBe('pass');
  } finally {
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
