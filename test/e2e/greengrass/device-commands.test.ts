import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../component/commands/doctor/check.ts';
import type { WholeStatus } from '../../../component/commands/status.ts';
import { ComponentFolder, COMPONENT_NAME } from '../../support/nucleus/component-folder.ts';
import { CLASSIC } from '../../support/nucleus/personality.ts';
import { eventually } from '../../support/runtime-requests.ts';
import { RuntimeProcess, runVedette, samples } from '../../support/runtime-process.ts';

const TIMEOUT_MS = 60_000;
/** Where each stands; none may leave the device. */
const PLANTED = {
  serverToken: 'planted-server-token-0123456789',
  cameraPassword: 'planted-camera-password',
  addressPassword: 'planted-in-an-address',
  loggedPassword: 'planted-in-a-log',
  stationPassword: 'planted-in-the-station',
  exchangeToken: 'planted-exchange-token',
};

describe('the command line of a component', { timeout: TIMEOUT_MS }, () => {
  let component: ComponentFolder;
  let runtime: RuntimeProcess;
  let exchange: Server;
  let exchangeStatus = 200;
  /** From an empty environment, as in the shell of whoever logs in. */
  const vedette = (...args: string[]) =>
    runVedette({ program: [path.join(component.path, 'vedette')], arguments: args });
  const doctor = async () => {
    const { stdout, code } = await vedette('doctor', '--json');
    const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
    const of = (name: string) => checks.filter(({ check }) => check === name);
    return { code, checks, of };
  };

  beforeAll(async () => {
    exchange = createServer((request, response) => {
      const isKnown = request.headers.authorization === PLANTED.exchangeToken;
      response.statusCode = isKnown ? exchangeStatus : 401;
      const expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId: 'ASIA', Expiration: expiration }));
    }).listen(0, '127.0.0.1');
    await once(exchange, 'listening');
    component = await ComponentFolder.create(CLASSIC, {
      server: { port: 0, token: { file: 'token' } },
      models: { bricks: { package: samples('models/brick-anomaly') } },
      cameras: {
        belt: { model: 'bricks', source: { kind: 'folder', path: samples('images/brick') } },
        dock: {
          model: 'bricks',
          source: {
            kind: 'ffmpeg',
            url: 'rtsp://127.0.0.1:1/stream?pwd=planted-in-an-address',
            username: 'viewer',
            password: { file: 'dock-password' },
          },
        },
      },
    });
    const write = async (name: string, text: string) => {
      const file = path.join(component.rootPath, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    };
    const work = `work/${COMPONENT_NAME}`;
    await write(`${work}/token`, PLANTED.serverToken);
    await write(`${work}/dock-password`, PLANTED.cameraPassword);
    await write(`${work}/data/station.yaml`, 'cameras: { belt: { title: Belt 7 } }\n');
    await write(
      `logs/${COMPONENT_NAME}.log`,
      `camera dock failed: ${PLANTED.cameraPassword}\n` +
        `GET rtsp://viewer:${PLANTED.loggedPassword}@10.0.0.7/ failed\n` +
        `{"password":"${PLANTED.stationPassword}"}\n`,
    );
    await write('packages/recipes/a@0.1.0.recipe.yaml', `ComponentName: ${COMPONENT_NAME}\n`);
    await write('packages/recipes/b@0.1.0.recipe.yaml', 'ComponentName: com.example.Other\n');
    runtime = await RuntimeProcess.start({
      arguments: ['run', '--greengrass'],
      folder: component.path,
      environment: {
        ...component.nucleus.environment,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(exchange.address() as AddressInfo).port}/`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: PLANTED.exchangeToken,
      },
    });
    await eventually('RUNNING', () => component.nucleus.states.at(0));
  }, TIMEOUT_MS);
  afterAll(async () => {
    if (runtime.isAlive) await runtime.stop('SIGKILL');
    exchange.close();
    await component.close();
  });

  test('lies in its work folder, finds the runtime and speaks with its token', async () => {
    const { mode } = await stat(path.join(component.path, 'vedette'));
    expect(mode & 0o111).toBe(0o111);
    const { code, stdout, stderr } = await vedette('status', '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const status = JSON.parse(stdout) as WholeStatus;
    expect(status).toMatchObject({ thing: 'station-7', version: expect.any(String) as string });
    expect(status.cameras.map(({ name }) => name)).toEqual(['belt', 'dock']);
    expect(status.cameras[0]?.title).toBe('Belt 7');
    expect(status.models.map(({ name }) => name)).toEqual(['bricks']);
    const text = (await vedette('status')).stdout;
    expect(text).toMatch(/^Vedette \S+ on station-7, /);
    expect(text).toMatch(/^ {2}belt +running/m);
    expect(text).toMatch(/^configuration\n {2}[0-9a-f]{16} in force since /m);
    expect(text).toMatch(/^delivery\n {2}\d+ alarms, /m);
  });

  test('may be linked from anywhere', async () => {
    const link = path.join(component.rootPath, 'linked');
    execFileSync('ln', ['-s', path.join(component.path, 'vedette'), link]);
    const { stdout } = await runVedette({ program: [link], arguments: ['config', 'explain'] });
    expect(stdout).toMatch(/cameras\.belt\.title +"Belt 7" +\(station /);
    expect(stdout).toMatch(/models\.bricks\.package .*\(deployment\)/);
    expect(stdout).toMatch(/thing +"station-7" +\(Greengrass\)/);
  });

  test('has a doctor that names the camera that nobody reaches, and finds the rest in order', async () => {
    const { code, checks, of } = await doctor();
    expect(code).toBe(1);
    const faults = checks.filter(({ state }) => state === 'fault');
    expect(faults.every(({ says }) => says.includes('dock'))).toBe(true);
    expect(faults.map(({ says }) => says)).toContain(
      'dock: 127.0.0.1:1 cannot be reached: ECONNREFUSED',
    );
    const good = ['system', 'memory', 'disk', 'database', 'ONNX Runtime', 'port', 'nucleus'];
    for (const name of [...good, 'credentials']) {
      expect(new Set(of(name).map(({ state }) => state)), name).toEqual(new Set(['ok']));
    }
    expect(of('nucleus')[0]?.says).toContain('takes the token and answers in');
  });

  test('has a doctor that hears what the nucleus and the token exchange service refuse', async () => {
    exchangeStatus = 403;
    const own = component.nucleus.token;
    component.nucleus.token = 'another';
    const { of } = await doctor();
    expect(of('nucleus')).toMatchObject([{ state: 'fault' }]);
    expect(of('credentials')).toMatchObject([
      { state: 'fault', says: 'The token exchange service answers 403' },
    ]);
    component.nucleus.token = own;
    exchangeStatus = 200;
  });

  test('packs a bundle with everything that helps and no planted secret', async () => {
    const file = path.join(component.rootPath, 'bundle.tar.gz');
    const { stdout, code } = await vedette('support-bundle', '--out', file);
    expect(stdout).toContain(file);
    expect(code).toBe(0);
    execFileSync('tar', ['-xzf', file, '-C', component.rootPath]);
    const folder = path.join(component.rootPath, 'bundle');
    const names = await readdir(folder, { recursive: true });
    for (const name of [
      'doctor.json',
      'configuration.json',
      'status.json',
      'metrics.txt',
      'models.json',
      'contents.json',
      'machine/meminfo',
      `logs/${COMPONENT_NAME}.log`,
      'recipes/a@0.1.0.recipe.yaml',
    ]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain('recipes/b@0.1.0.recipe.yaml');
    const texts = await Promise.all(
      names.map((name) => readFile(path.join(folder, name), 'utf8').catch(() => '')),
    );
    const whole = texts.join('\n');
    expect(whole).toContain('camera dock failed: [secret]');
    expect(whole).toContain('MemAvailable');
    for (const [place, secret] of Object.entries({ ...PLANTED, svcuid: component.nucleus.token })) {
      expect(whole.includes(secret), place).toBe(false);
    }
  });

  test('says that nothing runs when nothing does, and leaves nothing that says otherwise', async () => {
    await runtime.stop();
    const { code, stderr } = await vedette('status');
    expect(code).toBe(2);
    expect(stderr).toContain('no runtime runs on');
    expect((await doctor()).of('runtime')).toMatchObject([{ state: 'fault' }]);
    expect(await readdir(path.join(component.path, 'data'))).not.toContain('runtime.json');
  });
});
