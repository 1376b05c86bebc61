import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { InMemoryRuntime, sampleModel } from '../../support/in-memory-runtime.ts';
import { rawExchange, startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let runtime: InMemoryRuntime;
let server: RunningServer;

const numbers = (values: number[]): TensorValue => ({
  name: 'y',
  dtype: 'float32',
  shape: [1, values.length],
  data: new Float32Array(values),
});

beforeAll(async () => {
  runtime = new InMemoryRuntime();
  runtime.modelList = [
    sampleModel('double', { labels: ['a', 'b', 'c'] }),
    sampleModel('images', {
      inputs: [{ name: 'img', dtype: 'float32', shape: ['batch', 3, 4, 4] }],
      outputs: [
        { name: 'y', dtype: 'float32', shape: ['batch', 3] },
        { name: 'flag', dtype: 'bool', shape: ['batch'] },
      ],
    }),
    sampleModel('large', {
      inputs: [{ name: 'img', dtype: 'float32', shape: ['batch', 3, null, null] }],
    }),
    sampleModel('two', {
      inputs: [
        { name: 'a', dtype: 'int64', shape: [2] },
        { name: 'b', dtype: 'uint8', shape: [null] },
      ],
    }),
    sampleModel('loading', { state: 'loading', inputs: undefined, outputs: undefined } as never),
  ];
  server = await startServer(runtime, { maxBodyBytes: 8_388_608 });
});
afterAll(() => server.close());
beforeEach(() => {
  runtime.tensorRequests.length = 0;
  runtime.pictureTensors.length = 0;
  runtime.tensorAnswer = ({ inputs }) => [
    numbers(Array.from((inputs[0]?.data ?? []) as Float32Array, (value) => Number(value) * 2)),
  ];
});

const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer);
const post = (path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${server.address}/v2${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body: body as BodyInit }),
    headers,
  });
const infer = (request: unknown, model = 'double') =>
  post(`/models/${model}/infer`, JSON.stringify(request));
const errorOf = async (response: Response) => ({
  status: response.status,
  error: ((await response.json()) as { error: string }).error,
});
const vector = { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] };

describe('what tritonclient.http sends', () => {
  const json =
    '{"id":"42","inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":' +
    '{"binary_data_size":12}}],"parameters":{"binary_data_output":true}}';

  it('is answered: binary in and out, no Content-Type', async () => {
    expect(json.length).toBe(145);
    const head =
      'POST /v2/models/double/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nuser-agent: geventhttpclient\r\n' +
      'inference-header-content-length: 145\r\ncontent-length: 157\r\nConnection: close\r\n\r\n';
    const request = Buffer.concat([Buffer.from(head + json), floats(1, 2, 3)]);
    const answer = Buffer.from(await rawExchange(server.port, request), 'latin1');
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK/);
    const bodyAt = answer.indexOf('\r\n\r\n') + 4;
    const headers = answer.toString('latin1', 0, bodyAt);
    const jsonBytes = Number(/inference-header-content-length: (\d+)/i.exec(headers)?.[1]);
    expect(headers).toMatch(/content-type: application\/octet-stream/i);
    expect(JSON.parse(answer.toString('utf8', bodyAt, bodyAt + jsonBytes))).toEqual({
      model_name: 'double',
      model_version: '2',
      id: '42',
      parameters: {
        version: '2.3.1',
        sha256: 'a'.repeat(64),
        variant: 'fp32',
        execution_provider: 'cpu',
      },
      outputs: [
        { name: 'y', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } },
      ],
    });
    expect(answer.subarray(bodyAt + jsonBytes)).toEqual(floats(2, 4, 6));
  });

  it('is answered from the aio client, which says octet-stream', async () => {
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': '145',
    };
    const body = Buffer.concat([Buffer.from(json), floats(1, 2, 3)]);
    expect((await post('/models/double/infer', body, headers)).status).toBe(200);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('is inflated before it is cut: %s', async (encoding, compress) => {
    const body = Buffer.concat([Buffer.from(json), floats(1, 2, 3)]);
    const response = await post('/models/double/infer', compress(body), {
      'content-encoding': encoding,
      'inference-header-content-length': '145',
    });
    expect(response.status).toBe(200);
    expect((runtime.tensorRequests[0]!.inputs[0]!.data as Float32Array).join()).toBe('1,2,3');
  });

  it('is a picture when it is BYTES for an input of four dimensions', async () => {
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);
    const size = Buffer.from([7, 0, 0, 0]);
    const request =
      '{"inputs":[{"name":"img","shape":[1],"datatype":"BYTES","parameters":' +
      '{"binary_data_size":11}}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}';
    runtime.tensorAnswer = () => [numbers([7])];
    const response = await post(
      '/models/images/infer',
      Buffer.concat([Buffer.from(request), size, jpeg]),
      { 'inference-header-content-length': String(request.length) },
    );
    expect(response.status).toBe(200);
    expect(runtime.pictureTensors).toMatchObject([{ outputs: ['y'] }]);
    expect(Buffer.from(runtime.pictureTensors[0]!.data)).toEqual(jpeg);
    expect(runtime.pictureTensors[0]!.data.byteOffset).toBe(0);
  });

  it('may leave out binary_data_size with a single input', async () => {
    const request = '{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32"}]}';
    const body = Buffer.concat([Buffer.from(request), floats(1, 2, 3)]);
    const headers = { 'inference-header-content-length': String(request.length) };
    const response = await post('/models/double/infer', body, headers);
    expect((await response.json()).outputs[0].data).toEqual([2, 4, 6]);
  });

  it('may be a raw tensor alone, answered binary', async () => {
    const headers = { 'inference-header-content-length': '0' };
    const response = await post('/models/double/infer', floats(1, 2, 3), headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('inference-header-content-length')).not.toBeNull();
    expect(runtime.tensorRequests[0]!.inputs[0]).toMatchObject({ name: 'x', shape: [1, 3] });
  });

  it('asks for the repository without a body', async () => {
    const answer = await rawExchange(
      server.port,
      'POST /v2/repository/index HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toContainEqual({
      name: 'double',
      version: '2',
      state: 'READY',
      reason: '',
    });
  });

  it('cannot load or unload models', async () => {
    for (const action of ['load', 'unload']) {
      const answer = await errorOf(await post(`/repository/models/double/${action}`, '{}'));
      expect(answer).toMatchObject({
        status: 400,
        error: expect.stringContaining('configuration'),
      });
    }
  });
});

describe('a request in JSON', () => {
  it('is answered in JSON, nested or flat, with its id', async () => {
    const nested = { ...vector, data: [[1, 2, 3]] };
    for (const input of [vector, nested]) {
      const response = await infer({ id: 'abc', inputs: [input] });
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({
        id: 'abc',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], data: [2, 4, 6] }],
      });
    }
  });

  it('names no id when none was sent', async () => {
    expect(await (await infer({ inputs: [vector] })).json()).not.toHaveProperty('id');
  });

  it('gets only the outputs that it names, each as it asks', async () => {
    runtime.tensorAnswer = () => [
      numbers([1, 2]),
      { name: 'flag', dtype: 'bool', shape: [2], data: new Uint8Array([1, 0]) },
    ];
    const inputs = [
      { name: 'img', shape: [1, 3, 4, 4], datatype: 'FP32', data: Array(48).fill(0) },
    ];
    const response = await infer({ inputs, outputs: [{ name: 'flag' }] }, 'images');
    expect((await response.json()).outputs).toEqual([
      { name: 'flag', datatype: 'BOOL', shape: [2], data: [true, false] },
    ]);
    expect(runtime.tensorRequests[0]!.outputs).toEqual(['flag']);

    const mixed = await infer(
      { inputs, outputs: [{ name: 'y' }, { name: 'flag', parameters: { binary_data: true } }] },
      'images',
    );
    const bytes = Buffer.from(await mixed.arrayBuffer());
    const jsonBytes = Number(mixed.headers.get('inference-header-content-length'));
    expect(JSON.parse(bytes.toString('utf8', 0, jsonBytes)).outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [1, 2], data: [1, 2] },
      { name: 'flag', datatype: 'BOOL', shape: [2], parameters: { binary_data_size: 2 } },
    ]);
    expect([...bytes.subarray(jsonBytes)]).toEqual([1, 0]);
  });

  it('takes several inputs and 64-bit numbers', async () => {
    await infer(
      {
        inputs: [
          { name: 'b', shape: [1], datatype: 'UINT8', data: [255] },
          { name: 'a', shape: [2], datatype: 'INT64', data: [-1, 2 ** 53 - 1] },
        ],
      },
      'two',
    );
    expect(runtime.tensorRequests[0]!.inputs).toEqual([
      { name: 'b', shape: [1], dtype: 'uint8', data: new Uint8Array([255]) },
      { name: 'a', shape: [2], dtype: 'int64', data: new BigInt64Array([-1n, 2n ** 53n - 1n]) },
    ]);
  });

  it('writes large and 64-bit outputs as JSON', async () => {
    const data = new BigInt64Array(40_000).fill(-9_007_199_254_740_993n);
    runtime.tensorAnswer = () => [{ name: 'y', dtype: 'int64', shape: [40_000], data }];
    const text = await (await infer({ inputs: [vector] })).text();
    expect(text.match(/-9007199254740993/g)).toHaveLength(40_000);
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it('gets classes with labels where it asks for them', async () => {
    runtime.tensorAnswer = () => [numbers([0.1, 0.7, 0.2])];
    const outputs = [{ name: 'y', parameters: { classification: 2 } }];
    expect((await (await infer({ inputs: [vector], outputs })).json()).outputs).toEqual([
      { name: 'y', datatype: 'BYTES', shape: [1, 2], data: ['0.700000:1:b', '0.200000:2:c'] },
    ]);
  });

  it('gets no number for what JSON has none', async () => {
    runtime.tensorAnswer = () => [numbers([1, Number.NaN])];
    expect(await errorOf(await infer({ inputs: [vector] }))).toMatchObject({
      status: 500,
      error: expect.stringContaining('binary_data'),
    });
    const binary = await infer({ inputs: [vector], parameters: { binary_data_output: true } });
    expect(binary.status).toBe(200);
  });
});

describe('is refused, before the model is asked:', () => {
  it.each([
    ['no inputs', { inputs: [] }, /inputs/],
    ['a missing shape', { inputs: [{ name: 'x', datatype: 'FP32', data: [] }] }, /shape/],
    ['a negative size', { inputs: [{ ...vector, shape: [-1, 3] }] }, /shape/],
    ['an unknown input', { inputs: [{ ...vector, name: 'z' }] }, /no input "z"; it has x/],
    ['an input twice', { inputs: [vector, vector] }, /twice/],
    [
      'another type',
      { inputs: [{ ...vector, datatype: 'INT32' }] },
      /expected FP32 \[batch,3\], got INT32 \[1,3\]/,
    ],
    ['another rank', { inputs: [{ ...vector, shape: [3] }] }, /got FP32 \[3\]/],
    [
      'another size',
      { inputs: [{ ...vector, shape: [1, 4], data: [1, 2, 3, 4] }] },
      /got FP32 \[1,4\]/,
    ],
    ['too few elements', { inputs: [{ ...vector, data: [1, 2] }] }, /takes 3 elements, got 2/],
    ['no data', { inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32' }] }, /no data/],
    ['FP16', { inputs: [{ ...vector, datatype: 'FP16' }] }, /send FP32/],
    [
      'an unknown output',
      { inputs: [vector], outputs: [{ name: 'q' }] },
      /no output "q"; it has y/,
    ],
    [
      'shared memory',
      { inputs: [{ ...vector, parameters: { shared_memory_region: 'r' } }] },
      /shared memory/,
    ],
    [
      'more binary data than there is',
      {
        inputs: [
          { name: 'x', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } },
        ],
      },
      /0 bytes of binary data are left/,
    ],
    [
      'data given twice',
      { inputs: [{ ...vector, parameters: { binary_data_size: 0 } }] },
      /both data and/,
    ],
  ])('%s', async (_case, request, message) => {
    const { status, error } = await errorOf(await infer(request));
    expect([status, error]).toEqual([400, expect.stringMatching(message)]);
    expect(runtime.tensorRequests).toHaveLength(0);
  });

  it.each([
    ['values', JSON.stringify({ inputs: [{ ...vector, data: Array(200_000).fill(0) }] })],
    [
      'lists',
      `{"inputs":${'['.repeat(100_001)}${']'.repeat(100_001)},"more":[${'[],'.repeat(50_000)}0]}`,
    ],
    ['bytes', JSON.stringify({ inputs: [vector], id: ' '.repeat(4_194_304) })],
  ])('JSON of too many %s, with the way to send it', async (_what, body) => {
    const { status, error } = await errorOf(await post('/models/double/infer', body));
    expect([status, error]).toEqual([413, expect.stringContaining('as binary data')]);
  });

  it('but not a picture of 256×256×3 in JSON', async () => {
    const side = 256;
    const data = Array.from({ length: 3 * side * side }, (_, index) => Math.sin(index));
    const inputs = [{ name: 'img', shape: [1, 3, side, side], datatype: 'FP32', data }];
    expect((await infer({ inputs }, 'large')).status).toBe(200);
  });

  it('an incomplete set of inputs', async () => {
    const inputs = [{ name: 'b', shape: [1], datatype: 'UINT8', data: [1] }];
    expect((await errorOf(await infer({ inputs }, 'two'))).error).toContain('lacks the input a');
  });

  it('binary data that nobody claims', async () => {
    const request = JSON.stringify({ inputs: [vector] });
    const response = await post('/models/double/infer', request + 'xyz', {
      'inference-header-content-length': String(request.length),
    });
    expect((await errorOf(response)).error).toContain('3 bytes of binary data came');
  });

  it.each(['abc', '-1', '1e3', '9999'])('a header length of %s', async (length) => {
    const response = await post('/models/double/infer', '{}', {
      'inference-header-content-length': length,
    });
    expect((await errorOf(response)).status).toBe(400);
  });

  it.each(['', '{', 'null', '[]', '"text"', '\u0000'])('the body %j', async (body) => {
    expect((await errorOf(await post('/models/double/infer', body))).status).toBe(400);
  });

  it.each([
    [[2], Buffer.from([1, 0, 0, 0, 65, 1, 0, 0, 0, 65]), /one request per picture/],
    [[1], Buffer.from([9, 0, 0, 0, 65]), /announces 9 bytes, but 1 follow/],
    [[1], Buffer.from([1, 0]), /announces -1 bytes/],
  ])('pictures of shape %j with wrong lengths or number', async (shape, bytes, message) => {
    const input = {
      name: 'img',
      shape,
      datatype: 'BYTES',
      parameters: { binary_data_size: bytes.length },
    };
    const request = JSON.stringify({ inputs: [input] });
    const response = await post(
      '/models/images/infer',
      Buffer.concat([Buffer.from(request), bytes]),
      {
        'inference-header-content-length': String(request.length),
      },
    );
    expect(await errorOf(response)).toEqual({ status: 400, error: expect.stringMatching(message) });
  });

  it('a picture inside JSON', async () => {
    const input = { name: 'img', shape: [1], datatype: 'BYTES', data: ['/9j/4AAQ'] };
    expect((await errorOf(await infer({ inputs: [input] }, 'images'))).error).toContain(
      'binary data behind the JSON',
    );
  });
});

describe('the server and its models', () => {
  const get = async (path: string) => {
    const response = await fetch(`${server.address}/v2${path}`);
    return { status: response.status, body: await response.json() };
  };

  it('say what they are', async () => {
    expect((await get('')).body).toMatchObject({ name: 'vedette', version: '0.1.0' });
    expect((await get('/models/images')).body).toEqual({
      name: 'images',
      versions: ['2'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'img', datatype: 'FP32', shape: [-1, 3, 4, 4] }],
      outputs: [
        { name: 'y', datatype: 'FP32', shape: [-1, 3] },
        { name: 'flag', datatype: 'BOOL', shape: [-1] },
      ],
    });
    expect((await get('/models/images/config')).body).toMatchObject({
      name: 'images',
      platform: 'onnxruntime_onnx',
      max_batch_size: 0,
      input: [{ name: 'img', data_type: 'TYPE_FP32', dims: [-1, 3, 4, 4] }],
    });
  });

  it('answer for the version that runs, by number or in full, and for no other', async () => {
    for (const version of ['2', '2.3.1']) {
      expect((await get(`/models/double/versions/${version}`)).status).toBe(200);
      expect((await get(`/models/double/versions/${version}/ready`)).status).toBe(200);
    }
    const other = await get('/models/double/versions/1');
    expect(other).toEqual({
      status: 404,
      body: { error: expect.stringContaining('running is 2') },
    });
    const response = await post(
      '/models/double/versions/2/infer',
      JSON.stringify({ inputs: [vector] }),
    );
    expect(response.status).toBe(200);
  });

  it('say whether they are live and ready, in the words of every client', async () => {
    expect(await get('/health/live')).toEqual({ status: 200, body: { live: true, ready: true } });
    expect(await get('/models/double/ready')).toEqual({
      status: 200,
      body: { name: 'double', ready: true },
    });
    const notReady = { status: 503, body: { error: expect.any(String) } };
    expect(await get('/models/loading/ready')).toEqual(notReady);
    expect(await get('/models/loading')).toEqual(notReady);
    expect(await get('/health/ready')).toEqual(notReady);
    expect((await infer({ inputs: [vector] }, 'loading')).status).toBe(503);
  });

  it('keep statistics of what came through this protocol', async () => {
    const before = (await get('/models/double/stats')).body.model_stats[0];
    await infer({ inputs: [vector] });
    await infer({ inputs: [] });
    const after = (await get('/models/double/versions/2/stats')).body.model_stats[0];
    expect(after.inference_count - before.inference_count).toBe(1);
    expect(after.inference_stats.fail.count - before.inference_stats.fail.count).toBe(1);
    expect(after.inference_stats.compute_infer.ns - before.inference_stats.compute_infer.ns).toBe(
      2e6,
    );
    expect(after.last_inference).toBeGreaterThan(0);
    expect((await get('/models/stats')).body.model_stats).toHaveLength(5);
  });

  it('answer errors as {"error": …} and nothing else', async () => {
    expect((await get('/models/none')).body).toEqual({ error: 'No model is named none' });
    expect((await get('/nothing')).body).toEqual({ error: expect.any(String) });
    const answer = runtime.tensorAnswer;
    runtime.tensorAnswer = () => {
      throw new VedetteError('OVERLOADED', 'queue full');
    };
    const busy = await infer({ inputs: [vector] });
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await busy.json()).toEqual({ error: 'queue full' });
    runtime.tensorAnswer = () => {
      throw new TypeError('secret detail');
    };
    const defect = await errorOf(await infer({ inputs: [vector] }));
    expect(defect).toEqual({ status: 500, error: expect.not.stringContaining('secret') });
    runtime.tensorAnswer = answer;
  });
});
