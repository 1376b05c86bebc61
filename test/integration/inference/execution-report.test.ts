import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import * as runtime from 'onnxruntime-node';
import { executionReport } from '../../../component/inference/execution/execution-report.ts';
import { providerTimes } from '../../../component/inference/execution/provider-profile.ts';
import type { ProviderTimes } from '../../../component/inference/execution/provider-profile.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { batchModel } from '../../support/model-packages.ts';

const times = (...parts: [keyof typeof NAMES, number][]): ProviderTimes => new Map(parts);
const NAMES = { cpu: 'CPU', cuda: 'CUDA', tensorrt: 'Tensorrt' } as const;

test('names where most of the time is spent', () => {
  const chosen = { accelerators: ['cuda'], fallbacks: [] } as const;
  const choices = [{ name: 'cuda', use: 'required' }] as const;
  expect(executionReport(choices, chosen, times(['cuda', 900], ['cpu', 100]))).toEqual({
    provider: 'cuda',
    fallbacks: [],
  });
  expect(executionReport(choices, chosen, times(['cuda', 50], ['cpu', 100])).provider).toBe('cpu');
});

test('a provider that got no part of the model is told of when it is preferred, refused when required', () => {
  const chosen = { accelerators: ['cuda'], fallbacks: [] } as const;
  const report = executionReport([{ name: 'cuda', use: 'preferred' }], chosen, times(['cpu', 100]));
  expect(report).toMatchObject({
    provider: 'cpu',
    fallbacks: [{ code: 'EXECUTION_PROVIDER_UNAVAILABLE' }],
  });
  expect(report.fallbacks[0]!.message).toMatch(/no part of the model: .* cpu 100 %/);
  expect(() =>
    executionReport([{ name: 'cuda', use: 'required' }], chosen, times(['cpu', 100])),
  ).toThrow(expect.objectContaining({ code: 'EXECUTION_PROVIDER_UNAVAILABLE' }));
});

test('a second choice behind one that took the model is not missed', () => {
  const chosen = { accelerators: ['tensorrt', 'cuda'], fallbacks: [] } as const;
  const choices = [
    { name: 'tensorrt', use: 'preferred' },
    { name: 'cuda', use: 'required' },
  ] as const;
  const report = executionReport(choices, chosen, times(['tensorrt', 100]));
  expect(report).toEqual({ provider: 'tensorrt', fallbacks: [] });
});

test('times are added up from the nodes of a profile', () => {
  const node = (name: keyof typeof NAMES, dur: number) => ({
    cat: 'Node',
    dur,
    args: { provider: `${NAMES[name]}ExecutionProvider` },
  });
  const profile = [
    { cat: 'Session', dur: 1000, args: {} },
    node('cuda', 5),
    node('cpu', 2),
    node('cuda', 7),
    { cat: 'Node', dur: 3, args: { op_name: 'Mul' } },
  ];
  expect([...providerTimes(profile)]).toEqual([
    ['cuda', 12],
    ['cpu', 2],
  ]);
  expect(() => providerTimes({ cat: 'Node' })).toThrow(
    expect.objectContaining({ code: 'INTERNAL' }),
  );
});

test('a profile that ONNX Runtime writes is read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-test-profile-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const session = await runtime.InferenceSession.create(buildOnnx(batchModel()), {
    enableProfiling: true,
    profileFilePrefix: join(folder, 'p'),
  });
  const image = new runtime.Tensor('float32', new Float32Array(192), [1, 3, 8, 8]);
  await session.run({ image });
  session.endProfiling();
  const [file] = await readdir(folder);
  const read = providerTimes(JSON.parse(await readFile(join(folder, file!), 'utf8')));
  expect([...read.keys()]).toEqual(['cpu']);
  await session.release();
});
