import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  commandAnswerSchema,
  type CommandAnswer,
} from '../../../component/contract/device-command.ts';
import {
  deviceHealthSchema,
  type DeviceHealth,
} from '../../../component/contract/device-health.ts';
import type { CameraStatus, StoredCapture } from '../../../component/contract/ports.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { recipeAccessControl } from '../../support/nucleus/recipe-access-control.ts';
import { ShadowService } from '../../support/nucleus/shadow-service.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import {
  RuntimeFolder,
  runVedette,
  samples,
  type RuntimeProcess,
} from '../../support/runtime-process.ts';

const TIMEOUT_MS = 60_000;
const THING = 'station-7';
const INSTALLED = 'brick-anomaly';
const settings = {
  server: { port: 0 },
  models: { bricks: { package: samples('models/brick-anomaly') } },
  cameras: {
    line: {
      model: 'bricks',
      source: { kind: 'folder', path: samples('images/brick'), mode: 'loop', framesPerSecond: 10 },
    },
  },
  delivery: { store: { kind: 'folder', path: 'store' } },
  remote: { heartbeatSeconds: 1, shadowSeconds: 1 },
};

// What differs on classic is tested by itself in test/integration/greengrass.
const personalities = process.env['VEDETTE_DEEP'] === '1' ? [CLASSIC, LITE] : [LITE];

describe.each(personalities)(
  'a device under nucleus $name',
  { timeout: TIMEOUT_MS },
  (personality) => {
    let component: ComponentFolder;
    let runtime: RuntimeProcess;
    let shadow: ShadowService;
    let cloud: MqttClient;
    const beats: DeviceHealth[] = [];
    const answers: CommandAnswer[] = [];
    /** Numbers of the camera's messages that arrived, each once. */
    const arrived = new Set<number>();

    beforeAll(async () => {
      const accessControl = await recipeAccessControl();
      component = await ComponentFolder.create(personality, { ...settings, accessControl });
      const { broker } = component.nucleus;
      shadow = await ShadowService.start(broker);
      cloud = await broker.client();
      cloud.on('message', (topic, payload) => {
        const document: unknown = JSON.parse(payload.toString());
        if (topic.startsWith(`vedette/${THING}/line/`)) {
          arrived.add((document as { sequence: number }).sequence);
        } else if (topic.endsWith('/health')) beats.push(deviceHealthSchema.parse(document));
        else answers.push(commandAnswerSchema.parse(document));
      });
      const topics = ['health', 'command/+/ack', 'line/+'].map((end) => `vedette/${THING}/${end}`);
      await cloud.subscribeAsync(topics, { qos: 1 });
      runtime = await component.start();
      await runtime.ready();
    }, TIMEOUT_MS);
    afterAll(() => component?.close());
    beforeEach(() => void beats.splice(0));

    const reported = () => shadow.state(THING, 'vedette')?.reported as DeviceHealth | undefined;
    const desire = (desired: object) => shadow.desire(THING, 'vedette', { ...desired });
    const camera = () => runtime.get<CameraStatus>('/api/v1/cameras/line');
    const captures = async () =>
      (await runtime.get<{ items: StoredCapture[] }>('/api/v1/captures?limit=1000')).items;
    const command = async (name: string, request: object) => {
      const id = randomUUID();
      const payload = JSON.stringify({ id, ...request });
      await cloud.publishAsync(`vedette/${THING}/command/${name}`, payload, { qos: 1 });
      await expect.poll(() => answers.some((answer) => answer.id === id)).toBe(true);
      return answers.find((answer) => answer.id === id)!;
    };

    test('says that it is there, what runs and how it does', async () => {
      await expect.poll(() => beats.at(-1)?.cameras['line']?.figures?.results).toBeGreaterThan(5);
      const beat = beats.at(-1)!;
      expect(beat).toMatchObject({
        thing: THING,
        availability: 'online',
        isReady: true,
        models: { bricks: { state: 'ready', version: '1.0.0' } },
        cameras: { line: { state: 'running', isEnabled: true, captureMode: 'rules' } },
      });
      expect(beat.cameras['line']?.figures?.p95Ms).toBeGreaterThan(0);
      await expect.poll(() => reported()?.cameras?.['line']?.state).toBe('running');
      await expect.poll(() => reported()?.configuration?.hash).toBe(beat.configuration.hash);
      expect(shadow.refusals).toEqual([]);
    });

    test('keeps a picture when it is told to, and opens a camera again', async () => {
      const done = await command('snapshot', { camera: 'line' });
      expect(done).toMatchObject({ state: 'done' });
      const found = (await captures()).find(({ id }) => id === done.result?.['captureId']);
      expect(found).toMatchObject({ camera: 'line', rule: 'snapshot' });
      const uploaded = await command('upload-capture', { captureId: found?.id });
      expect(uploaded).toMatchObject({ state: 'done', result: { byteLength: found?.byteLength } });
      const file = path.join(component.path, 'store', String(uploaded.result?.['key']));
      expect((await stat(file)).size).toBe(found?.byteLength);
      const { restarts } = await camera();
      expect(await command('restart-camera', { camera: 'line' })).toMatchObject({ state: 'done' });
      await expect.poll(async () => (await camera()).restarts).toBe(restarts + 1);
      await expect.poll(async () => (await camera()).state).toBe('running');
    });

    test('does what its shadow desires, and says why it does not do the rest', async () => {
      const before = (await captures()).length;
      desire({
        cameras: { line: { captureMode: 'all' }, nobody: { isEnabled: false } },
        models: { bricks: { package: `${INSTALLED}@9.9.9` } },
      });
      await expect.poll(async () => (await captures()).length).toBeGreaterThan(before + 3);
      await expect.poll(() => reported()?.cameras?.['line']?.captureMode).toBe('all');
      await expect
        .poll(() =>
          Object.entries(reported()?.refused ?? {}).map(([path, { code }]) => [path, code]),
        )
        .toEqual(
          expect.arrayContaining([
            ['cameras/nobody', 'CAMERA_NOT_FOUND'],
            ['models/bricks/package', 'MODEL_NOT_INSTALLED'],
          ]),
        );
      desire({
        cameras: { line: { captureMode: 'none', isEnabled: false }, nobody: null },
        models: null,
      });
      await expect.poll(async () => (await camera()).state).toBe('disabled');
      await expect.poll(() => reported()?.cameras?.['line']?.state).toBe('disabled');
      expect(await command('snapshot', { camera: 'line' })).toMatchObject({
        state: 'failed',
        error: { code: 'CAMERA_DISABLED' },
      });
      desire({ cameras: { line: { isEnabled: true } } });
      await expect.poll(async () => (await camera()).state).toBe('running');
    });

    test('swaps in an installed version of a model while verdicts go on', async () => {
      const dataFolder = `${component.path}/data`;
      const { code, stderr } = await runVedette({
        arguments: [
          'model',
          'install',
          samples('models/brick-anomaly'),
          '--data-folder',
          dataFolder,
        ],
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.anything() as string });
      desire({ models: { bricks: { package: `${INSTALLED}@1.0.0` } } });
      await expect
        .poll(() => reported()?.models?.['bricks']?.package, { timeout: 20_000 })
        .toBe(`${INSTALLED}@1.0.0`);
      const { framesJudged } = await camera();
      await expect.poll(async () => (await camera()).framesJudged).toBeGreaterThan(framesJudged);
    });

    test('lets a change that makes a camera pause wait while a part is inspected', async () => {
      const address = '/api/v1/inspections/part-1';
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ seconds: 600 });
      expect((await runtime.fetch(address, { method: 'PUT', headers, body })).status).toBe(200);
      const { nucleus } = component;
      nucleus.mergeConfiguration({ cameras: { line: { slots: 6 } } });
      await expect
        .poll(() => reported()?.configuration?.refusal?.code, { timeout: 20_000 })
        .toBe('MAINTENANCE_AWAITED');
      expect(reported()?.holds).toEqual(['a part is under inspection: part-1']);
      // What the station and the shadow change meanwhile is done, and lets nothing of it through.
      const patch = await runtime.fetch('/api/v1/configuration/station', {
        method: 'PATCH',
        headers,
        body: JSON.stringify({ maintenance: { maxDeferralHours: 100 } }),
      });
      expect(patch.status).toBe(200);
      desire({ cameras: { line: { captureMode: 'all' } } });
      await expect.poll(() => reported()?.cameras?.['line']?.captureMode).toBe('all');
      const { items } = await runtime.get<{ items: { path: string; value: unknown }[] }>(
        '/api/v1/configuration/settings',
      );
      const waiting = new Map(items.map(({ path: name, value }) => [name, value]));
      expect(waiting.get('maintenance.maxDeferralHours')).toBe(100);
      expect(waiting.get('cameras.line.slots')).not.toBe(6);
      await expect.poll(() => reported()?.configuration?.refusal?.code).toBe('MAINTENANCE_AWAITED');
      if (personality.name === 'classic') {
        nucleus.proposeUpdate('deployment-1');
        await expect.poll(() => nucleus.deferrals.at(-1)?.message).toContain('part-1');
      }
      expect((await runtime.fetch(address, { method: 'DELETE' })).status).toBe(204);
      // Every event has the configuration looked at again, long before it would be by itself.
      nucleus.mergeConfiguration({ cameras: { line: { slots: 7 } } });
      await expect
        .poll(() => reported()?.configuration && !reported()?.configuration.refusal)
        .toBe(true);
      if (personality.name === 'classic') {
        nucleus.proposeUpdate('deployment-1');
        await expect.poll(() => nucleus.deferrals.at(-1)?.recheckAfterMs).toBe(0);
      }
    });

    test('is itself again after the broker was away and the nucleus dropped its connections', async () => {
      const { nucleus } = component;
      await nucleus.broker.interrupt();
      const { framesJudged } = await camera();
      await expect
        .poll(async () => (await camera()).framesJudged)
        .toBeGreaterThan(framesJudged + 5);
      await nucleus.broker.resume();
      nucleus.dropConnections();
      await expect.poll(() => cloud.connected && nucleus.isOnline).toBe(true);
      desire({ cameras: { line: { captureMode: 'rules' } } });
      await expect
        .poll(() => reported()?.cameras?.['line']?.captureMode, { timeout: 30_000 })
        .toBe('rules');
      await expect.poll(() => beats.length, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(await command('report-health', {})).toMatchObject({ state: 'done' });
      // What was judged in the outage arrives too: no number is missing before the newest.
      const newest = Math.max(...arrived);
      await expect
        .poll(() => [...arrived].filter((sequence) => sequence <= newest + 3).length, {
          timeout: 30_000,
        })
        .toBe(newest + 4 - Math.min(...arrived));
    });

    test('goes on judging when the nucleus refuses its token', async () => {
      component.nucleus.restart();
      await expect
        .poll(() => runtime.lines.some((line) => line.includes('did not take us back')))
        .toBe(true);
      const { framesJudged } = await camera();
      await expect.poll(async () => (await camera()).framesJudged).toBeGreaterThan(framesJudged);
      expect(runtime.isAlive).toBe(true);
    });

    test('comes back with what was desired, and says when it stops', async () => {
      await runtime.stop();
      desire({ cameras: { line: { captureMode: 'none' } } });
      runtime = await component.start();
      await expect
        .poll(() => reported()?.cameras?.['line']?.captureMode, { timeout: 20_000 })
        .toBe('none');
      await runtime.stop();
      await expect.poll(() => beats.at(-1)?.availability).toBe('stopping');
    });
  },
);

test('a device with a broker of its own says that it is there and takes commands', async () => {
  const broker = await MqttBroker.start();
  const folder = await RuntimeFolder.create();
  try {
    const cloud = await broker.client();
    const heard: { topic: string; document: object }[] = [];
    cloud.on('message', (topic, payload) => {
      heard.push({ topic, document: JSON.parse(payload.toString()) as object });
    });
    const base = 'vedette/press-3';
    await cloud.subscribeAsync([`${base}/health`, `${base}/command/+/ack`], { qos: 1 });
    const runtime = await folder.start({
      thing: 'press-3',
      delivery: { mqtt: { url: broker.url } },
    });
    const health = () => heard.find(({ topic }) => topic === `${base}/health`)?.document;
    await expect.poll(health).toBeDefined();
    expect(deviceHealthSchema.parse(health())).toMatchObject({ thing: 'press-3', isReady: true });
    await cloud.publishAsync(`${base}/command/report-health`, '{"id":"one"}', { qos: 1 });
    await expect
      .poll(() => heard.find(({ topic }) => topic.endsWith('/ack'))?.document)
      .toMatchObject({ id: 'one', state: 'done' });
    await runtime.stop();
    expect(heard.at(-1)?.document).toMatchObject({ availability: 'stopping' });
  } finally {
    await folder.close();
    await broker.close();
  }
});
