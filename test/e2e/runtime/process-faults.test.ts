import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RuntimeFolder, runVedette, samples } from '../../support/runtime-process.ts';
import {
  allResults,
  cameraUntil,
  infer,
  metrics,
  notices,
  postPicture,
} from '../../support/runtime-requests.ts';
import { brickPictures } from '../../support/sample-pictures.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';

const [brick] = brickPictures();
const brickModel = { 'brick-anomaly': { package: samples('models', 'brick-anomaly') } };

let folder: RuntimeFolder;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
});

afterAll(() => folder.close());

/** `vedette run` that is expected to end by itself. */
async function runInVain(config: object, options: Parameters<RuntimeFolder['start']>[1] = {}) {
  const end = await runVedette({
    arguments: await folder.runArguments(config, options),
    ...(options.environment ? { environment: options.environment } : {}),
  });
  expect(end.stderr).not.toMatch(/^ +at /m);
  return end;
}

describe('vedette run does not start', () => {
  it('with five mistakes in its configuration, and lists all of them', async () => {
    const { code, stderr } = await runInVain({
      models: { finder: { package: samples('models', 'coco-detector'), timeoutMs: 'soon' } },
      cameras: {
        gate: { model: 'finder', source: { kind: 'push' }, polcy: 'every' },
        dock: { model: 'finders', source: { kind: 'push' } },
      },
      rules: { scores: { camera: 'gate', kind: 'anomaly', failAt: 0.4, reviewAt: 0.6 } },
      liveView: { quality: 700 },
    });
    expect(code).toBe(2);
    for (const path of [
      'models.finder.timeoutMs',
      'cameras.gate.polcy',
      'cameras.dock.model',
      'rules.scores.reviewAt',
      'liveView.quality',
    ]) {
      expect(stderr).toContain(path);
    }
  });

  it('on a port that is taken, and says which and what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await runInVain({ models: brickModel }, { port, dataFolder: 'port' });
    other.close();
    expect(code).toBe(2);
    expect(stderr).toContain('PORT_IN_USE');
    expect(stderr).toContain(String(port));
    expect(stderr).toContain('--port');
  });

  it('in the data folder of another Vedette, and names the other process', async () => {
    const first = await folder.start({ models: brickModel }, { dataFolder: 'shared' });
    const { code, stderr } = await runInVain({}, { dataFolder: 'shared' });
    expect(code).toBe(2);
    expect(stderr).toContain('DATA_FOLDER_LOCKED');
    expect(stderr).toContain(String(first.pid));
    // The first one noticed nothing.
    await first.ready();
    await infer(first, 'brick-anomaly', brick!.bytes);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    const next = await folder.start({}, { dataFolder: 'shared' });
    expect(await next.stop()).toEqual({ code: 0, signal: null });
  });

  it.each([
    ['a file that is not there', { file: '/nowhere/token' }, /\/nowhere\/token/],
    ['a variable that is not set', { env: 'VEDETTE_NO_SUCH_TOKEN' }, /VEDETTE_NO_SUCH_TOKEN/],
  ])('when its token is in %s', async (_, token, says) => {
    const { code, stderr } = await runInVain({ server: { token } }, { dataFolder: 'token' });
    expect(code).toBe(1);
    expect(stderr).toContain('SECRET_UNAVAILABLE');
    expect(stderr).toMatch(says);
  });

  it('when a camera names a source that no driver opens', async () => {
    const source = { kind: 'ffmpeg', url: 'gopher://camera/stream' };
    const cameras = { gate: { model: 'brick-anomaly', source } };
    const { code, stderr } = await runInVain(
      { models: brickModel, cameras },
      { dataFolder: 'source' },
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/gopher/);
  });

  it('when it may not write into its data folder', async () => {
    writeFileSync(folder.join('a-file'), '');
    const { code, stderr } = await runInVain({}, { dataFolder: 'a-file' });
    expect([1, 2, 4]).toContain(code);
    expect(stderr).toContain(folder.join('a-file'));
  });
});

it('a label that the model does not have is said, with what may have been meant', async () => {
  const runtime = await folder.start(
    {
      models: { coco: { package: samples('models', 'coco-detector') } },
      cameras: { gate: { model: 'coco', source: { kind: 'push' } } },
      rules: { crowd: { camera: 'gate', kind: 'count', label: 'persn', maximum: 3 } },
    },
    { dataFolder: 'typing-error' },
  );
  await runtime.ready();
  const { items } = (await (await runtime.fetch('/api/v1/notices')).json()) as {
    items: { level: string; error: { code: string; message: string } }[];
  };
  expect(items).toMatchObject([
    {
      level: 'warn',
      error: {
        code: 'CONFIG_INVALID',
        message:
          'Model coco has no such label: rules.crowd.label is "persn" (did you mean person?)',
      },
    },
  ]);
  expect(await runtime.stop()).toEqual({ code: 0, signal: null });
});

it.each([
  ['short-token-15c', /server\.token.*15 characters; at least 16.*openssl rand -hex 16/],
  ['a token with spaces in it', /server\.token.*without spaces/],
  ['ein-schlüssel-für-alle', /server\.token.*ASCII/],
])('a token that is no good (%s) is refused at start', async (token, message) => {
  writeFileSync(folder.join('weak-token'), `${token}\n`);
  const { code, stderr } = await runInVain(
    { server: { token: { file: folder.join('weak-token') } } },
    { dataFolder: 'weakly-guarded' },
  );
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('CONFIG_INVALID');
  expect(stderr).not.toContain(token);
});

it('a token keeps strangers out and lets its bearer in; health answers everybody', async () => {
  writeFileSync(folder.join('token'), 'station-secret-7\n');
  chmodSync(folder.join('token'), 0o600);
  const runtime = await folder.start(
    { server: { token: { file: folder.join('token') } } },
    { dataFolder: 'guarded' },
  );
  expect((await runtime.fetch('/api/v1/results')).status).toBe(401);
  expect((await runtime.fetch('/health/live')).status).toBe(200);
  const headers = { authorization: 'Bearer station-secret-7' };
  expect((await runtime.fetch('/api/v1/results', { headers })).status).toBe(200);
  expect(await runtime.stop()).toEqual({ code: 0, signal: null });
  expect(runtime.lines.join('\n')).not.toContain('station-secret-7');
});

it('a corrupt database is set aside whole, reported, and a new one takes over', async () => {
  const options = { dataFolder: 'corrupt' };
  const first = await (await folder.start({ models: brickModel }, options)).ready();
  const lost = await infer(first, 'brick-anomaly', brick!.bytes);
  await first.stop();
  const file = folder.join('corrupt', 'registry.db');
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 4096, 12_288);
  writeFileSync(file, bytes);

  const second = await (await folder.start({ models: brickModel }, options)).ready();
  const [notice, ...more] = await notices(second);
  expect(more).toEqual([]);
  expect(notice).toMatchObject({ level: 'error', error: { code: 'REGISTRY_CORRUPT' } });
  const aside = readdirSync(folder.join('corrupt')).filter((name) => /corrupt.*\.db$/.test(name));
  expect(aside).toHaveLength(1);
  expect(notice!.error.message).toContain(aside[0]);
  expect(readFileSync(folder.join('corrupt', aside[0]!))).toEqual(bytes);
  const logged = second.log.filter(({ msg }) => msg === notice!.error.message);
  expect(logged).toMatchObject([{ level: 'error', error: { code: 'REGISTRY_CORRUPT' } }]);
  expect((await second.fetch(`/api/v1/results/${lost.id}`)).status).toBe(404);
  const kept = await infer(second, 'brick-anomaly', brick!.bytes);
  expect(await second.get(`/api/v1/results/${kept.id}`)).toEqual(kept);
  await second.stop();
  const third = await folder.start({}, options);
  expect(await third.get(`/api/v1/results/${kept.id}`)).toEqual(kept);
  // Still to be seen by who comes later, and not one more.
  expect(await notices(third)).toEqual([notice]);
  await third.stop();
});

/** A file system of its own, or nothing where mounting is not permitted. */
function mountSmall(path: string, megabytes: number): boolean {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    rmSync(path, { recursive: true });
    return false;
  }
}

describe('on a full disk', () => {
  it('verdicts go on, nothing acknowledged is lost, and storing resumes by itself', async (test) => {
    const disk = folder.join('disk');
    if (!mountSmall(disk, 16)) test.skip('mounting a tmpfs is not permitted here');
    onTestFinished(() => {
      execFileSync('umount', ['-l', disk]);
    });
    mkdirSync(folder.join('disk', 'station'));
    const runtime = await folder.start(
      {
        models: brickModel,
        cameras: {
          surfaces: {
            model: 'brick-anomaly',
            source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 25 },
          },
        },
        captures: { every: { everyNth: 2 } },
        retention: { minFreeBytes: 0 },
      },
      { dataFolder: 'disk/data' },
    );
    await runtime.ready();
    const acknowledged: InferenceResult[] = [await infer(runtime, 'brick-anomaly', brick!.bytes)];
    await cameraUntil(runtime, 'surfaces', ({ framesJudged }) => framesJudged > 5);

    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(folder.join('disk', 'ballast'), Buffer.alloc(bavail * bsize - 40_960));
    } catch (error) {
      // The runtime took the rest in the meantime: full is full.
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
    let refusal: Awaited<ReturnType<typeof postPicture>> | undefined;
    while (refusal === undefined) {
      const answer = await postPicture(runtime, 'brick-anomaly', brick!.bytes);
      if (answer.status === 200) acknowledged.push(answer.body);
      else refusal = answer;
    }
    expect(refusal).toMatchObject({
      status: 507,
      body: { code: 'STORAGE_FULL', retryable: true, remedy: expect.stringContaining('retention') },
    });

    // Verdicts go on although nothing can be kept.
    const { framesJudged } = await cameraUntil(runtime, 'surfaces', () => true);
    const later = await cameraUntil(
      runtime,
      'surfaces',
      (one) => one.framesJudged > framesJudged + 40,
    );
    expect(later.state).toBe('running');
    for (let count = 0; count < 10; count += 1) {
      const { status } = await postPicture(runtime, 'brick-anomaly', brick!.bytes);
      expect(status).toBe(507);
    }
    expect((await metrics(runtime)).get('vedette_registry_up')).toBe(1);
    const told = runtime.log.filter((line) => JSON.stringify(line).includes('STORAGE_FULL'));
    // The notice, and once for each of: results, captures, requests.
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThan(8);
    expect((await notices(runtime)).map(({ error }) => error.code)).toEqual(['STORAGE_FULL']);

    rmSync(folder.join('disk', 'ballast'));
    await expect
      .poll(async () => (await metrics(runtime)).get('vedette_registry_pending'), {
        timeout: 15_000,
      })
      .toBeLessThan(10);
    acknowledged.push(await infer(runtime, 'brick-anomaly', brick!.bytes));
    for (const result of acknowledged) {
      expect(await runtime.get(`/api/v1/results/${result.id}`)).toEqual(result);
    }
    expect((await metrics(runtime)).get('vedette_registry_given_up')).toBe(0);
    expect((await notices(runtime)).at(-1)?.error.message).toContain('Storing resumed');
    const results = await allResults(runtime, { camera: 'surfaces' });
    const numbers = results.map((one) => one.cameraSequence!).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(await runtime.stop()).toEqual({ code: 0, signal: null });
  });

  it('a watched folder keeps its files until their results are stored, then puts them away', async (test) => {
    const disk = folder.join('disk-2');
    if (!mountSmall(disk, 8)) test.skip('mounting a tmpfs is not permitted here');
    onTestFinished(() => {
      execFileSync('umount', ['-l', disk]);
    });
    const station = folder.join('station');
    mkdirSync(station);
    const runtime = await folder.start(
      {
        models: brickModel,
        cameras: {
          station: {
            model: 'brick-anomaly',
            source: { kind: 'folder', mode: 'watch', path: station, settleMs: 20 },
          },
        },
      },
      { dataFolder: 'disk-2/data' },
    );
    await runtime.ready();
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(folder.join('disk-2', 'ballast'), Buffer.alloc(bavail * bsize));
    for (let full = false; !full;) {
      full = (await postPicture(runtime, 'brick-anomaly', brick!.bytes)).status === 507;
    }
    for (let part = 0; part < 12; part += 1) {
      writeFileSync(folder.join('station', `part-${part}.png`), brick!.bytes);
    }
    await cameraUntil(runtime, 'station', ({ framesJudged }) => framesJudged === 12);
    expect(readdirSync(station).filter((name) => name.startsWith('part-'))).toHaveLength(12);
    rmSync(folder.join('disk-2', 'ballast'));
    await expect
      .poll(() => readdirSync(station).filter((name) => name.startsWith('part-')), {
        timeout: 20_000,
      })
      .toEqual([]);
    expect(readdirSync(folder.join('station', 'done'))).toHaveLength(12);
    const results = await allResults(runtime, { camera: 'station' });
    expect(new Set(results.map(({ frame }) => frame.fileName)).size).toBe(12);
    expect(results).toHaveLength(12);
    expect(await runtime.stop()).toEqual({ code: 0, signal: null });
  });
});
