import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { CLASSIC, LITE, type Personality } from '../../support/nucleus/personality.ts';
import { runVedette, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import { infer } from '../../support/runtime-requests.ts';

const TIMEOUT_MS = 60_000;
const model = { package: samples('models/brick-anomaly') };
const settings = {
  server: { port: 0 },
  models: { bricks: model },
  accessControl: { 'aws.greengrass.ipc.mqttproxy': {} },
};
const closing: (() => Promise<void>)[] = [];

async function createComponent(
  personality: Personality,
  configuration: object = settings,
): Promise<ComponentFolder> {
  const folder = await ComponentFolder.create(personality, configuration);
  closing.push(() => folder.close());
  return folder;
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const saysLater = (runtime: RuntimeProcess, text: string) =>
  expect.poll(() => runtime.lines.some((line) => line.includes(text)), { timeout: 20_000 });

async function modelNames(runtime: RuntimeProcess): Promise<string[]> {
  const { items } = (await (await runtime.fetch('/api/v1/models')).json()) as {
    items: { name: string }[];
  };
  return items.map(({ name }) => name);
}

const addresses = (runtime: RuntimeProcess): string[] =>
  runtime.log.map(({ address }) => address).filter((one) => typeof one === 'string');

describe.each([CLASSIC, LITE])(
  'a component under nucleus $name',
  { timeout: TIMEOUT_MS },
  (personality) => {
    test('is RUNNING once it has started, with the deployment’s configuration and the thing’s name', async () => {
      const component = await createComponent(personality);
      const runtime = await component.start();
      await expect.poll(() => component.nucleus.states).toEqual(['RUNNING']);
      expect((await runtime.fetch('/health/started')).status).toBe(200);
      await runtime.ready();
      const picture = await readFile(samples('images/brick', await firstBrick()));
      const result: InferenceResult = await infer(runtime, 'bricks', new Uint8Array(picture));
      expect(result.thing).toBe('station-7');
      expect(await runtime.stop()).toEqual({ code: 0, signal: null });
    });

    test('takes a change of the deployment while it runs', async () => {
      const component = await createComponent(personality);
      const runtime = await component.start();
      await expect.poll(() => component.nucleus.states.length).toBe(1);
      component.nucleus.mergeConfiguration({ models: { second: model }, log: { level: 'debug' } });
      await expect
        .poll(() => modelNames(runtime), { timeout: 20_000 })
        .toEqual(['bricks', 'second']);
      // The same process and server: what did not change went on.
      expect(addresses(runtime).length).toBe(1);
      expect(runtime.isAlive).toBe(true);
      expect(component.nucleus.connections).toBe(1);
    });

    test('refuses a change as a whole, with every reason, and goes on with what ran', async () => {
      const component = await createComponent(personality);
      const runtime = await component.start();
      await expect.poll(() => component.nucleus.states.length).toBe(1);
      component.nucleus.mergeConfiguration({
        cameras: { dock: { model: 'nobody', source: { kind: 'push' } } },
        retention: { capturesMaxCount: 'many' },
      });
      await saysLater(runtime, 'is refused; what ran before goes on').toBe(true);
      const line = runtime.lines.find((one) => one.includes('is refused')) ?? '';
      expect(line).toContain('cameras.dock.model');
      expect(line).toContain('retention.capturesMaxCount');
      expect((await runtime.fetch('/health/started')).status).toBe(200);
      expect(addresses(runtime).length).toBe(1);
      await runtime.stop();
      // Started again with the same bad deployment, as lite does, it runs what ran before.
      const again = await component.start();
      await expect.poll(() => component.nucleus.states.length).toBe(2);
      await again.ready();
      expect(again.lines.some((one) => one.includes('is refused'))).toBe(true);
    });

    test('ends with the reasons when its first configuration is bad, so that the deployment fails', async () => {
      const bad = { ...settings, server: { port: 'none' } };
      const component = await createComponent(personality, bad);
      const end = await runVedette({
        arguments: ['run', '--greengrass'],
        environment: component.nucleus.environment,
        folder: component.path,
      });
      expect(end.code).toBe(2);
      expect(end.stderr).toContain('server.port');
      expect(component.nucleus.states).toEqual([]);
    });

    test('goes on when the nucleus goes away, and is taken back while its token holds', async () => {
      const component = await createComponent(personality);
      const { nucleus } = component;
      // For the first time while it is told that the component runs.
      nucleus.dropsAt = 'UpdateState';
      const runtime = await component.start();
      await saysLater(runtime, 'connected to the nucleus again').toBe(true);
      expect(nucleus.states).toEqual(['RUNNING', 'RUNNING']);
      nucleus.dropConnections();
      await saysLater(runtime, 'cameras and models go on').toBe(true);
      await expect.poll(() => nucleus.connections, { timeout: 20_000 }).toBe(3);
      await expect.poll(() => nucleus.states.length, { timeout: 20_000 }).toBe(3);
      // Nothing that takes long: it is about hearing of it.
      nucleus.mergeConfiguration({ log: { level: 'debug' } });
      await saysLater(runtime, '"paths":["log.level"]').toBe(true);
      expect(runtime.isAlive).toBe(true);
    });
  },
);

describe('a component under nucleus classic', { timeout: TIMEOUT_MS }, () => {
  test('says before a deployment what is wrong with it', async () => {
    const component = await createComponent(CLASSIC);
    await component.start();
    await expect.poll(() => component.nucleus.states.length).toBe(1);
    component.nucleus.proposeConfiguration('good', settings);
    component.nucleus.proposeConfiguration('bad', { ...settings, log: { level: 'loud' } });
    await expect.poll(() => component.nucleus.reports.length).toBe(2);
    const bad = component.nucleus.reports.find(({ deploymentId }) => deploymentId === 'bad');
    expect(bad).toMatchObject({ status: 'REJECTED' });
    expect(String(bad?.['message'])).toContain('log.level');
    expect(component.nucleus.reports).toContainEqual({ deploymentId: 'good', status: 'ACCEPTED' });
  });
});

test('--greengrass without a nucleus says what is missing', async () => {
  const { code, stderr } = await runVedette({ arguments: ['run', '--greengrass'] });
  expect(code).toBe(2);
  expect(stderr).toContain('GREENGRASS_ABSENT');
});

async function firstBrick(): Promise<string> {
  const names = await readdir(samples('images/brick'));
  return names.find((name) => /\.(jpg|png)$/.test(path.basename(name))) ?? '';
}
