import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { writeZip } from '../../../scripts/package/write-zip.ts';
import { RuntimeFolder, runVedette } from '../../support/runtime-process.ts';

const run = promisify(execFile);
const files = path.join(import.meta.dirname, '../../../docs/run');
const read = (name: string) => readFile(path.join(files, name), 'utf8');
const endOf = (program: string, args: readonly string[]) =>
  run(program, args).then(
    () => 0,
    ({ code }: { code: number }) => code,
  );
let folder: RuntimeFolder;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
});
afterAll(() => folder.close());

describe('the container file', () => {
  test('has nothing that a linter minds, and does not end as root', async () => {
    const text = await read('Containerfile');
    expect(validate(text).map(({ message }) => message)).toEqual([]);
    expect([...text.matchAll(/^USER (.*)$/gm)].map(([, user]) => user)).toEqual(['10001']);
  });

  test('leaves it to the engine which platform it builds for', async () => {
    // With a value in the file BuildKit takes that one, whatever --platform says.
    expect(await read('Containerfile')).toMatch(/^ARG TARGETARCH$/m);
  });

  test('keeps its data where the configuration beside it says', async () => {
    const command = /^CMD (\[.*\])$/m.exec(await read('Containerfile'))?.[1] ?? '[]';
    const { dataFolder } = parse(await read('vedette.yaml')) as { dataFolder: string };
    expect((JSON.parse(command) as string[]).slice(-2)).toEqual(['--data-folder', dataFolder]);
  });

  test('unpacks each zip into a folder of its name, as a nucleus does', async () => {
    const [zips, artifacts] = [folder.join('zips'), folder.join('artifacts')];
    for (const name of ['vedette-linux-amd64', 'vedette-media-linux-amd64']) {
      const content = folder.join('content', name);
      for (const one of [zips, path.join(content, 'bin')]) await mkdir(one, { recursive: true });
      await writeFile(path.join(content, 'bin/vedette'), '#!/bin/sh\necho unpacked\n');
      await chmod(path.join(content, 'bin/vedette'), 0o755);
      await writeZip(content, path.join(zips, `${name}.zip`));
    }
    const step =
      /^RUN (mkdir \/artifacts [\s\S]*?[^\\])\n(?! )/m.exec(await read('Containerfile'))?.[1] ?? '';
    const script = step
      .replaceAll('\\\n', ' ')
      .replaceAll('/zips', zips)
      .replaceAll('/artifacts', artifacts);
    const env = { ...process.env, TARGETARCH: 'amd64' };
    execFileSync('/bin/sh', ['-ec', script], { env });
    const said = execFileSync(path.join(artifacts, 'vedette/bin/vedette'), { encoding: 'utf8' });
    expect(said).toBe('unpacked\n');
    expect(existsSync(path.join(artifacts, 'vedette-media-linux-amd64/bin/vedette'))).toBe(true);
  });

  test('has a health check that is right about a runtime that runs and one that ended', async () => {
    const command = /^HEALTHCHECK .*\\\n\s*CMD (\[.*\])$/m.exec(await read('Containerfile'))?.[1];
    const [, ...args] = JSON.parse(command ?? '[]') as string[];
    const here = args.map((text) => text.replaceAll('/data/', `${folder.join('data')}/`));
    const runtime = await folder.start({});
    expect(await endOf(process.execPath, here)).toBe(0);
    await runtime.stop('SIGKILL');
    expect(await endOf(process.execPath, here)).toBe(1);
  });
});

test('compose.yaml takes rights away, and everything that it names is there', async () => {
  const { services, secrets, volumes } = parse(await read('compose.yaml')) as {
    services: { vedette: Record<string, unknown> & { build: Record<string, string> } };
    secrets: object;
    volumes: object;
  };
  const { vedette } = services;
  expect(vedette).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    ports: ['127.0.0.1:8080:8080'],
  });
  const { context = '', dockerfile = '' } = vedette.build;
  expect(existsSync(path.resolve(files, context, dockerfile))).toBe(true);
  expect(path.resolve(files, context)).toBe(path.resolve(files, '../../build/package'));
  expect(Object.keys(secrets)).toEqual(vedette['secrets']);
  expect(Object.keys(volumes)).toEqual(['data']);
  const text = (await read('vedette.yaml')).replace('/run/secrets/vedette-token', 'token');
  await writeFile(folder.join('vedette.yaml'), text);
  const check = ['config', 'check', folder.join('vedette.yaml')];
  expect(await runVedette({ arguments: check })).toMatchObject({ code: 0, stderr: '' });
});

describe('the unit of systemd', () => {
  const hasSystemd = existsSync('/usr/bin/systemd-analyze');

  test.runIf(hasSystemd)(
    'is valid, and leaves the service little that it could do harm with',
    async () => {
      const unit = folder.join('vedette.service');
      // It must exist for the check.
      await writeFile(
        unit,
        (await read('vedette.service')).replace(/(?<=ExecStart=)\S+/, '/bin/true'),
      );
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
      expect(stdout + stderr).toBe('');
      const security = await run('systemd-analyze', [
        'security',
        '--offline=true',
        '--no-pager',
        unit,
      ]);
      expect(
        Number(/Overall exposure level[^:]*: ([\d.]+)/.exec(security.stdout)?.[1]),
      ).toBeLessThan(3);
    },
  );

  test('starts what the documentation installs, and never as root', async () => {
    const text = await read('vedette.service');
    const page = await readFile(path.join(files, '../RUNNING.md'), 'utf8');
    expect(text).toMatch(/^User=vedette$/m);
    const [, program = '', config = '', data = ''] =
      /^ExecStart=(\S+) run --config (\S+) --data-folder (\S+)$/m.exec(text) ?? [];
    expect(page).toContain(`ln -sfn ${program} /usr/local/bin/vedette`);
    expect(page).toContain(`cp line.yaml ${config}`);
    expect(page).toContain(`\`dataFolder: ${data}\``);
  });
});
