import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import { eventually, postPicture } from '../../support/runtime-requests.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

const [brick] = brickPictures();
const SECRETS = [
  ...['s3cr3t-in-env', 's3cr3t-in-url', 's3cr3t-in-path', 's3cr3t-in-file', 's3cr3t-token-of-it'],
];
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

let folder: RuntimeFolder;
let runtime: RuntimeProcess;
let silent: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  writeFileSync(folder.join('password'), 's3cr3t-in-file\n');
  // Takes connections and never says a word, so that ffmpeg stays and can be looked at.
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const rtsp = (more: object) => ({
    model: 'brick-anomaly',
    source: { kind: 'ffmpeg', stallTimeoutMs: 60_000, ...more },
  });
  const host = `127.0.0.1:${port}/stream`;
  runtime = await folder.start(
    {
      log: { level: 'trace' },
      server: { token: { env: 'VEDETTE_TEST_TOKEN' } },
      models: {
        'brick-anomaly': { package: samples('models', 'brick-anomaly') },
        missing: { package: folder.join('nothing') },
      },
      cameras: {
        'from-env': rtsp({
          url: `rtsp://${host}`,
          username: 'operator',
          password: { env: 'VEDETTE_TEST_PASSWORD' },
        }),
        'from-file': rtsp({
          url: `rtsp://${host}`,
          username: 'operator',
          password: { file: folder.join('password') },
        }),
        // The only ways of some cameras and recorders; what is stored of them leaves the password out.
        'in-url': rtsp({ url: `rtsp://${host}?user=operator&password=s3cr3t-in-url` }),
        'in-path': rtsp({ url: `rtsp://${host}/user=operator&password=s3cr3t-in-path&channel=1` }),
        // Nobody listens there: fails at once, again and again.
        refused: rtsp({
          url: 'rtsp://127.0.0.1:9/stream',
          username: 'operator',
          password: { env: 'VEDETTE_TEST_PASSWORD' },
        }),
        'no-password': rtsp({ url: `rtsp://${host}`, password: { env: 'VEDETTE_TEST_NONE' } }),
        surfaces: {
          model: 'brick-anomaly',
          source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 10 },
        },
      },
    },
    {
      environment: {
        VEDETTE_TEST_PASSWORD: 's3cr3t-in-env',
        VEDETTE_TEST_TOKEN: 's3cr3t-token-of-it',
      },
    },
  );
});

afterAll(async () => {
  await folder.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

/** The runtime as somebody with the token sees it. */
const withToken = (path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(init.headers);
  headers.set('authorization', 'Bearer s3cr3t-token-of-it');
  return runtime.fetch(path, { ...init, headers });
};

const textOf = async (path: string): Promise<string> => {
  const response = await withToken(path);
  expect(response.status, path).toBe(200);
  return response.text();
};

const cameraState = async (name: string) =>
  JSON.parse(await textOf(`/api/v1/cameras/${name}`)) as { state: string; reason?: object };

describe('secrets', () => {
  it('of cameras stand in no answer, no log line, no process list and no database', async () => {
    const ffmpegs = await eventually('an ffmpeg for each camera that has a server', () => {
      const found = runtime.children().filter(({ commandLine }) => commandLine.includes('-i'));
      return found.length >= 4 ? found : undefined;
    });
    const commandLines = ffmpegs.map(({ commandLine }) => commandLine.join(' '));
    await eventually('the camera that is refused', async () =>
      (await cameraState('refused')).reason ? true : undefined,
    );
    await eventually('the camera without its password', async () =>
      (await cameraState('no-password')).reason ? true : undefined,
    );
    const places: Record<string, string> = {
      'process list': commandLines.join('\n'),
      log: runtime.lines.join('\n'),
      stderr: runtime.stderr,
    };
    for (const path of ['cameras', 'models', 'notices', 'status', 'results']) {
      places[path] = await textOf(`/api/v1/${path}`);
    }
    places['metrics'] = await textOf('/metrics');
    const files = readdirSync(folder.join('data')).filter((name) => name.startsWith('registry.db'));
    expect(files).toContain('registry.db');
    for (const name of files) {
      places[name] = readFileSync(join(folder.join('data'), name), 'latin1');
    }
    for (const [place, text] of Object.entries(places)) {
      for (const secret of SECRETS)
        expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
    }
  });

  it('that are missing are named by where they should be', async () => {
    const { state, reason } = await cameraState('no-password');
    expect({ state, reason }).toMatchObject({
      reason: {
        code: 'SECRET_UNAVAILABLE',
        message: expect.stringContaining('VEDETTE_TEST_NONE') as string,
      },
    });
  });

  it('sent by a client are not logged either', async () => {
    const answer = await runtime.fetch('/api/v1/results?token=s3cr3t-in-query', {
      headers: { authorization: 'Bearer s3cr3t-wrong', cookie: 'session=s3cr3t-cookie' },
    });
    expect(answer.status).toBe(401);
    const text = runtime.lines.join('\n');
    for (const secret of ['s3cr3t-wrong', 's3cr3t-cookie', 's3cr3t-in-query']) {
      expect(text.includes(secret), secret).toBe(false);
    }
  });
});

describe('each line of the log', () => {
  it('is JSON with level, time and message', () => {
    expect(runtime.log.length).toBeGreaterThan(5);
    for (const { level, time, msg } of runtime.log) {
      expect(LEVELS).toContain(level);
      expect(new Date(time).toISOString()).toBe(time);
      expect(typeof msg).toBe('string');
    }
  });

  it('names camera, model or request that it is about', async () => {
    const log = runtime.log;
    expect(log.find((line) => line['camera'] === 'refused' && line.level === 'warn')).toBeDefined();
    const failed = log.find((line) => line['model'] === 'missing' && line.level === 'error');
    expect(failed).toMatchObject({ error: { code: 'MODEL_PACKAGE_INVALID' } });
    const answer = await withToken('/api/v1/models/missing/infer', {
      method: 'POST',
      body: brick!.bytes,
      headers: { 'content-type': 'image/png', 'x-request-id': 'part-A-113' },
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-request-id')).toBe('part-A-113');
    expect(await answer.json()).toMatchObject({ requestId: 'part-A-113' });
    const logged = await eventually('the refused request', () =>
      runtime.log.find((line) => line['requestId'] === 'part-A-113'),
    );
    expect(logged).toMatchObject({ level: 'warn', error: { code: 'MODEL_NOT_READY' } });
  });

  it('is not written again and again for the same fault', async () => {
    for (let count = 0; count < 100; count += 1) {
      const { status } = await postPicture(
        { fetch: withToken },
        count % 2 === 0 ? 'missing' : 'brick-anomaly',
        brick!.bytes.subarray(0, 2000),
      );
      expect([503, 422]).toContain(status);
    }
    const refused = runtime.log.filter(
      (line) => line.level === 'warn' && JSON.stringify(line).includes('MODEL_NOT_READY'),
    );
    expect(refused).toHaveLength(1);
    const perCamera = runtime.log.filter(
      (line) => line['camera'] === 'refused' && LEVELS.indexOf(line.level) >= 3,
    );
    expect(perCamera.length).toBeLessThan(4);
  });
});

it('the last line says that the process stopped', async () => {
  await eventually('a model that is ready', async () =>
    (await textOf('/api/v1/models/brick-anomaly')).includes('"state":"ready"') ? true : undefined,
  );
  expect(await runtime.stop('SIGINT')).toEqual({ code: 0, signal: null });
  expect(runtime.log.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
  expect(runtime.stderr).toBe('');
});
