import sharp from 'sharp';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chainSchema } from '../../../component/contract/chain-config.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { ModelChain } from '../../../component/inference/chain/model-chain.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { CameraScene } from '../../../component/pipeline/space/camera-scene.ts';
import { CounterLedger } from '../../../component/pipeline/space/counter-ledger.ts';
import { ModelPackages, modelConfig } from '../../support/model-packages.ts';
import { headModel } from '../decode/head-model.ts';
import { openRegistry } from '../registry/temporary-registry.ts';

/** Rows x1, y1, x2, y2, score, class: the model says them of every picture. */
const ROWS = [
  [0, 0, 100, 100, 0.9, 0],
  [300, 0, 400, 100, 0.6, 0],
  [0, 300, 100, 400, 0.45, 0],
];

let packages: ModelPackages;
let host: ModelHost;
beforeAll(async () => {
  packages = await ModelPackages.create();
  const folder = await packages.add(headModel(ROWS.flat(), [1, ROWS.length, 6]), {
    task: 'object-detection',
    input: { resize: 'stretch' },
    output: { decoder: 'end-to-end-detections', scoreThreshold: 0.5 },
    labels: ['part'],
  });
  host = new ModelHost({
    name: 'parts',
    config: modelConfig(folder, { maxBatch: 1 }),
    maxImagePixels: 10_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  await host.start();
}, 120_000);
afterAll(async () => {
  await host.close(4000);
  await packages.close();
});

async function scoresOf(stepThreshold: number | undefined, cameraThreshold?: number) {
  const scoreThreshold = stepThreshold === undefined ? {} : { scoreThreshold: stepThreshold };
  const steps = { find: { model: 'parts', ...scoreThreshold } };
  const model = new ModelChain('chain', chainSchema.parse({ steps }), {
    host: () => host,
    tiling: () => undefined,
  });
  const config = runtimeConfigSchema.parse({
    thing: 'station',
    models: { parts: { package: 'parts' } },
    chains: { chain: { steps } },
    cameras: {
      dock: { model: 'chain', source: { kind: 'push' }, tracking: { isEnabled: true } },
    },
  });
  const { registry } = await openRegistry();
  const faults = new FaultLog(pino({ level: 'silent' }));
  const ledger = new CounterLedger('dock', registry, faults);
  const scene = new CameraScene({ camera: 'dock', config, ledger, faults, restarts: () => 0 });
  const score = cameraThreshold === undefined ? {} : { score: cameraThreshold };
  const set = { model, thresholds: { labels: {}, ...score } };
  const create = { width: 640, height: 640, channels: 3 as const, background: '#808080' };
  const answer = await model.infer({
    image: { kind: 'encoded', data: new Uint8Array(await sharp({ create }).png().toBuffer()) },
    view: WHOLE_FRAME,
    thresholds: scene.thresholdsFor(set),
    wantsAnomalyMap: false,
  });
  const frame = { sequence: 1, capturedAtMs: 1_000_000 };
  const seen = scene.see(answer, frame as Parameters<typeof scene.see>[1], set);
  return seen!.detections.map((detection) => Math.round(detection.score * 100) / 100);
}

test("a tracked chain keeps what reaches its first step's threshold, else its model's", async () => {
  expect(await scoresOf(0.7)).toEqual([0.9]);
  expect(await scoresOf(0.4)).toEqual([0.9, 0.6, 0.45]);
  expect(await scoresOf(undefined)).toEqual([0.9, 0.6]);
});

test("the camera's threshold comes before that of the first step", async () => {
  expect(await scoresOf(0.7, 0.55)).toEqual([0.9, 0.6]);
});
