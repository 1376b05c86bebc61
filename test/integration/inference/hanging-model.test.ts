import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ModelPackages, loopsWhenBright } from '../../support/model-packages.ts';

const root = join(import.meta.dirname, '../../..');

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

/**
 * In a process of its own: ending a process normally while ONNX Runtime runs aborts it, so the way
 * out is the one that the device takes, a signal to itself.
 */
const program = (folder: string) => `
  const { ModelHost } = await import('./component/inference/model-host.ts');
  const { modelConfigSchema } = await import('./component/contract/model-config.ts');
  const { default: sharp } = await import('sharp');
  const say = (fact) => console.log(JSON.stringify(fact));
  const host = new ModelHost({
    name: 'hanging',
    config: modelConfigSchema.parse({ package: ${JSON.stringify(folder)}, workers: 1, timeoutMs: 300 }),
    maxImagePixels: 1_000_000,
    trust: { isTrusted: async () => true, record: async () => undefined },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  const judge = async (level) => {
    const background = { r: level, g: level, b: level };
    const create = { width: 16, height: 16, channels: 3, background };
    const data = new Uint8Array(await sharp({ create }).png().toBuffer());
    const image = { kind: 'encoded', data };
    const view = { rotation: 0, flip: 'none' };
    return host.infer({ image, view, thresholds: { labels: {} }, wantsAnomalyMap: false });
  };
  await host.start();
  const begin = performance.now();
  await judge(255).catch((error) => say({ code: error.code, waitedMs: performance.now() - begin }));
  await host.whenReady();
  const { findings } = await judge(51);
  say({ score: findings.anomaly.score, replacements: host.status().replacements });
  say(await host.close(500));
  process.kill(process.pid, 'SIGKILL');
`;

test('a model that never returns is answered in time and replaced; closing says that it still runs', async () => {
  const folder = await packages.add(loopsWhenBright(1e15));
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(folder)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<string | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  );
  const facts: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    facts.push(JSON.parse(line) as Record<string, unknown>);
  }
  expect(await ended).toBe('SIGKILL');
  const [timeout, next, closed] = facts;
  expect(timeout!['code']).toBe('INFERENCE_TIMEOUT');
  expect(next!['score']).toBeCloseTo(0.2, 4);
  expect(next!['replacements']).toBe(1);
  expect(closed).toEqual({ isInsideRun: true });
});
