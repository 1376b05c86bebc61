import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CameraStatus, Page, StoredCapture } from '../../../component/contract/ports.ts';
import { inferenceResultSchema } from '../../../component/contract/result.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { samplesFolder, startSampleRuntime } from '../../support/real-runtime.ts';
import type { RunningRuntime } from '../../support/real-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let device: RunningRuntime;
let server: RunningServer;

beforeAll(async () => {
  device = await startSampleRuntime();
  server = await startServer(device.runtime, { maxBodyBytes: 16_777_216 });
});
afterAll(async () => {
  await server?.close();
  await device?.close();
});

const sample = (path: string) => readFile(join(samplesFolder, path));
const getJson = async <T>(path: string) => (await (await fetch(server.address + path)).json()) as T;
const infer = (model: string, body: Uint8Array<ArrayBuffer>, type = 'application/octet-stream') =>
  fetch(`${server.address}/api/v1/models/${model}/infer`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });

describe('a picture sent to a model', () => {
  it('is answered with a result that is stored by then', async () => {
    const response = await infer(
      'coco-detector',
      await sample('images/street/walkway-00.jpg'),
      'image/jpeg',
    );
    const result = inferenceResultSchema.parse(await response.json());
    expect(result.detections?.map(({ label }) => label)).toContain('person');
    expect(await getJson(`/api/v1/results/${result.id}`)).toEqual(result);
  });

  it('gives, for every sample of brick, the expected score and verdict', async () => {
    const expected = JSON.parse(String(await sample('images/brick/expected.json'))) as Record<
      string,
      { pred_score: number; is_anomalous: boolean }
    >;
    for (const [name, { pred_score, is_anomalous }] of Object.entries(expected)) {
      const response = await infer('brick-anomaly', await sample(`images/brick/${name}`));
      const { anomaly } = (await response.json()) as InferenceResult;
      expect([name, anomaly?.isAnomalous]).toEqual([name, is_anomalous]);
      expect(Math.abs((anomaly?.score ?? 9) - pred_score)).toBeLessThanOrEqual(0.03);
    }
  });

  it.each(['models/brick-anomaly/infer', 'cameras/pushed/frames'])(
    'passes its context and file name through %s',
    async (route) => {
      const form = new FormData();
      form.append('context', '{"partId":"A-113","nested":{"lot":[1,2]}}');
      form.append('image', new Blob([await sample('images/brick/good-00.png')]), 'part.png');
      const path = `${server.address}/api/v1/${route}`;
      const result = (await (
        await fetch(path, { method: 'POST', body: form })
      ).json()) as InferenceResult;
      expect(result.context).toEqual({ partId: 'A-113', nested: { lot: [1, 2] } });
      expect(result.frame.fileName).toBe('part.png');
    },
  );

  it('that is damaged is refused by name, and the next one is judged', async () => {
    const whole = await sample('images/street/walkway-00.jpg');
    for (const [body, status, code] of [
      [whole.subarray(0, 5000), 422, 'IMAGE_CORRUPT'],
      [new Uint8Array(0), 422, 'IMAGE_CORRUPT'],
      [Buffer.from('plain text, no picture'), 415, 'IMAGE_FORMAT_UNSUPPORTED'],
    ] as const) {
      const response = await infer('coco-detector', new Uint8Array(body), 'image/jpeg');
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        status,
        code,
      ]);
    }
    expect((await infer('coco-detector', whole)).status).toBe(200);
  });
});

describe('Open Inference Protocol on a real model', () => {
  it('runs a picture through the preprocessing of the model', async () => {
    const png = await sample('images/brick/defect-00.png');
    const size = Buffer.alloc(4);
    size.writeUInt32LE(png.length);
    const json = JSON.stringify({
      inputs: [
        {
          name: 'input',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: png.length + 4 },
        },
      ],
      outputs: [{ name: 'pred_score' }, { name: 'pred_label' }],
    });
    const response = await fetch(`${server.address}/v2/models/brick-anomaly/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(json.length) },
      body: Buffer.concat([Buffer.from(json), size, png]),
    });
    const { outputs } = (await response.json()) as { outputs: { data: unknown[] }[] };
    expect(Math.abs((outputs[0]?.data[0] as number) - 0.8968)).toBeLessThanOrEqual(0.03);
    expect(outputs[1]?.data).toEqual([true]);
  });

  it('takes and gives binary tensors, a JSON tensor giving the same', async () => {
    const values = new Float32Array(3 * 256 * 256).fill(0.5);
    const input = { name: 'input', shape: [1, 3, 256, 256], datatype: 'FP32' };
    const outputs = [
      { name: 'pred_score' },
      { name: 'anomaly_map', parameters: { binary_data: true } },
    ];
    const json = JSON.stringify({
      inputs: [{ ...input, parameters: { binary_data_size: values.byteLength } }],
      outputs,
    });
    const ask = async (body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) => {
      const path = `${server.address}/v2/models/brick-anomaly/versions/1/infer`;
      const response = await fetch(path, { method: 'POST', body, headers });
      const bytes = Buffer.from(await response.arrayBuffer());
      expect([response.status, response.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
      const cut = Number(response.headers.get('inference-header-content-length'));
      return { head: JSON.parse(bytes.toString('utf8', 0, cut)), map: bytes.subarray(cut) };
    };
    const binary = await ask(Buffer.concat([Buffer.from(json), Buffer.from(values.buffer)]), {
      'inference-header-content-length': String(json.length),
    });
    expect(binary.map.length).toBe(256 * 256 * 4);
    const plain = Buffer.from(
      JSON.stringify({ inputs: [{ ...input, data: [...values] }], outputs }),
    );
    const same = await ask(plain, {});
    expect(same.head.outputs[0].data).toEqual(binary.head.outputs[0].data);
    expect(same.map.equals(binary.map)).toBe(true);
  });
});

describe('a running camera', () => {
  it('shows its state, its results by page and filter, and its captures', async () => {
    await expect
      .poll(async () => (await getJson<CameraStatus>('/api/v1/cameras/surfaces')).outcomes.fail, {
        timeout: 15_000,
      })
      .toBeGreaterThan(1);
    const seen = new Set<string>();
    let cursor = '';
    for (let page = 0; page < 2; page += 1) {
      const query = `camera=surfaces&outcome=fail&limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const { items, nextCursor } = await getJson<Page<InferenceResult>>(
        `/api/v1/results?${query}`,
      );
      expect(items[0]?.verdict).toMatchObject({ outcome: 'fail', rule: 'surface-defect' });
      seen.add(items[0]!.id);
      cursor = nextCursor ?? '';
    }
    expect(seen.size).toBe(2);

    const { items } = await getJson<Page<StoredCapture>>(
      '/api/v1/captures?camera=surfaces&limit=1',
    );
    expect(await getJson(`/api/v1/captures/${items[0]!.id}`)).toEqual(items[0]);
    const picture = await fetch(`${server.address}/api/v1/captures/${items[0]!.id}/image`);
    expect(picture.headers.get('content-type')).toMatch(/^image\//);
    expect((await picture.arrayBuffer()).byteLength).toBe(items[0]!.byteLength);
  });

  it('refuses a cursor that is none', async () => {
    expect((await fetch(`${server.address}/api/v1/results?cursor=nonsense`)).status).toBe(400);
  });

  it('can be watched', async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const response = await fetch(`${server.address}/api/v1/cameras/surfaces/live`, { signal });
    let bytes = Buffer.alloc(0);
    for await (const chunk of response.body!) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.indexOf('\r\n\r\n') > 0 && bytes.length > 2000) break;
    }
    const start = bytes.indexOf('\r\n\r\n') + 4;
    expect(bytes.subarray(start, start + 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    abort.abort();
    const snapshot = await fetch(`${server.address}/api/v1/cameras/surfaces/snapshot`);
    expect(new Uint8Array(await snapshot.arrayBuffer()).subarray(0, 2)).toEqual(
      new Uint8Array([0xff, 0xd8]),
    );
  });

  it('is told of by events, a pushed picture among them', async () => {
    const abort = new AbortController();
    const events = await fetch(`${server.address}/api/v1/events`, { signal: abort.signal });
    const pushed = await fetch(`${server.address}/api/v1/cameras/pushed/frames`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: await sample('images/brick/defect-01.png'),
    });
    const result = inferenceResultSchema.parse(await pushed.json());
    expect(result).toMatchObject({ camera: 'pushed', verdict: { rule: 'pushed-defect' } });
    let text = '';
    for await (const chunk of events.body!) {
      text += Buffer.from(chunk).toString();
      if (text.includes(`id: ${result.id}`) && text.includes('event: camera')) break;
    }
    abort.abort();
    expect(await getJson(`/api/v1/results/${result.id}`)).toEqual(result);
  });

  it('refuses pushed pictures when it is of another kind', async () => {
    const response = await fetch(`${server.address}/api/v1/cameras/surfaces/frames`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: await sample('images/brick/good-00.png'),
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
  });

  it('is counted in the metrics', async () => {
    const text = await (await fetch(`${server.address}/metrics`)).text();
    expect(text).toMatch(/^# TYPE vedette_\w+ histogram$/m);
    expect(text).toContain('camera="surfaces"');
  });

  it('shows the memory of input tensors in the metrics', async () => {
    const text = await (await fetch(`${server.address}/metrics`)).text();
    const line = (name: string) => text.split('\n').find((each) => each.startsWith(`${name} `));
    const value = (name: string) => Number(line(name)?.slice(name.length));
    expect(value('vedette_tensor_buffers{state="held"}')).toBeGreaterThanOrEqual(1);
    expect(value('vedette_tensor_memory_bytes{state="held"}')).toBeGreaterThanOrEqual(4096);
    expect(value('vedette_tensor_memory_bytes{state="idle"}')).toBeGreaterThanOrEqual(0);
    expect(value('vedette_tensor_buffers_requested_total{state="fresh"}')).toBeGreaterThanOrEqual(
      1,
    );
    expect(value('vedette_tensor_buffers_requested_total{state="refused"}')).toBe(0);
  });
});
