import { createHash, generateKeyPairSync } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { edgeRuntimeRecipe } from '../../../scripts/package/component.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { publisherInProcess } from '../../support/publisher-in-process.ts';
import { PUBLISHER_PROGRAM } from '../../support/run-publisher.ts';
import { samples } from '../../support/runtime-process.ts';

const RUNTIME = 'io.vedette.EdgeRuntime';
const MODEL = 'io.vedette.model.people';

let folder: PublisherFolder;
let components = '';
let state = '';
let project = '';

beforeAll(async () => {
  folder = await PublisherFolder.create();
  [components, state, project] = [folder.fresh(), folder.fresh(), folder.fresh()];
});
afterAll(() => folder.close());

const run = (...args: string[]) => publisherInProcess(args, state);
const onFolder = (...args: string[]) => run(...args, '--to', components);

/** As `npm run package -- --component` lays it, with other bytes in its zips. */
async function laidComponent(version: string): Promise<string> {
  const laid = folder.fresh();
  const artifacts = join(laid, 'artifacts', RUNTIME, version);
  const recipe = await edgeRuntimeRecipe({
    name: RUNTIME,
    author: 'Vedette',
    version,
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  await mkdir(artifacts, { recursive: true });
  await mkdir(join(laid, 'recipes'));
  await writeFile(join(laid, 'recipes', 'recipe.yaml'), stringify(recipe));
  for (const arch of ['amd64', 'arm64']) {
    for (const kind of ['vedette', 'vedette-media']) {
      await writeFile(join(artifacts, `${kind}-linux-${arch}.zip`), `${kind} ${arch} ${version}`);
    }
  }
  return laid;
}

describe('the way from an ONNX file to a bundle', () => {
  it('begins with a folder that init makes, and asks nothing', async () => {
    const onnx = samples('models', 'coco-detector', 'model.onnx');
    const args = ['init', onnx, '--to', project, '--name', 'people', '--json'];
    const { code, stdout, stderr } = await run(...args);
    expect(code, stderr).toBe(0);
    const made = JSON.parse(stdout) as { files: string[]; guesses: string[] };
    expect(made.files).toEqual([
      'model/model.json',
      'model/model.onnx',
      'bundle.yaml',
      '.gitignore',
    ]);
    const again = await run(...args);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('is there already');
    const labels = await readFile(samples('models', 'coco-detector', 'labels.txt'));
    await writeFile(join(project, 'model', 'labels.txt'), labels);
    const file = join(project, 'model', 'model.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...manifest, labels: 'labels.txt' }));
    const published = await onFolder('publish', 'model', join(project, 'model'), '--no-run');
    expect(published.code, published.stderr).toBe(0);
  });

  it('goes on with the runtime as it was packaged', async () => {
    const laid = await laidComponent('0.1.0');
    const plan = await onFolder('publish', 'runtime', laid, '--dry-run');
    expect(plan.stdout).toContain('vedette-media-linux-arm64.zip');
    const first = await onFolder('publish', 'runtime', laid, '--json');
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ component: RUNTIME, isNew: true });
    expect(JSON.parse((await onFolder('publish', 'runtime', laid, '--json')).stdout)).toMatchObject(
      {
        isNew: false,
      },
    );
    const shown = await onFolder('component', 'show', RUNTIME, '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      tags: { 'vedette:kind': 'edge-runtime', 'vedette:glibc': '2.31' },
    });
    await onFolder('publish', 'runtime', await laidComponent('0.2.0'));
    const missing = await onFolder('publish', 'runtime', folder.fresh());
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('npm run package -- --component');
  });

  it('ends with the bundle that init wrote, which is shown, checked, compared and exported', async () => {
    const file = join(project, 'bundle.yaml');
    const made = await onFolder('bundle', 'create', file);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toContain(`${RUNTIME} 0.2.0`);
    expect((await onFolder('bundle', 'create', file)).stdout).toContain('was there before');
    const text = (await readFile(file, 'utf8')).replace(/^version: .*$/m, 'version: 1.1.0');
    await writeFile(file, text.replace('version: "*"', 'version: 0.1.0'));
    expect((await onFolder('bundle', 'create', file, '--json')).code).toBe(0);
    expect((await run('bundle', 'list')).stdout.match(/people@1\.\d\.0/g)).toEqual([
      'people@1.1.0',
      'people@1.0.0',
    ]);
    expect((await run('bundle', 'diff', 'people@1.0.0', 'people')).stdout).toBe(
      `${RUNTIME} goes from 0.2.0 to 0.1.0: an older minor version\n`,
    );
    expect((await run('bundle', 'show', 'people')).stdout).toContain('for station: linux amd64');
    const checked = await onFolder('bundle', 'validate', 'people');
    expect(checked.stdout).toContain(`${RUNTIME} 0.2.0 is newer than 0.1.0 (-5)`);
    const upgrade = await onFolder('bundle', 'check-upgrade', 'people', `${RUNTIME}@0.2.0`);
    expect(upgrade.stdout).toBe(`nothing breaks with ${RUNTIME} 0.2.0\n`);

    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const [key, trust, output] = ['key.pem', 'key.pub.pem', 'people.vedette-bundle'].map((name) =>
      join(project, name),
    ) as [string, string, string];
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(trust, publicKey.export({ type: 'spki', format: 'pem' }));
    const exported = await onFolder('bundle', 'export', 'people', '--output', output, '--key', key);
    expect(exported.code, exported.stderr).toBe(0);
    const site = folder.fresh();
    const elsewhere = ['--state', folder.fresh(), '--to', site];
    const imported = await run('bundle', 'import', output, '--trust', trust, ...elsewhere);
    expect(imported.code, imported.stderr).toBe(0);
    expect(imported.stdout).toContain(`--merge ${MODEL}=1.0.0`);
    expect(await readdir(join(site, 'recipes'))).toHaveLength(2);
    const valid = await run('bundle', 'validate', 'people', ...elsewhere);
    expect(valid.stdout).toContain('no problems');
    const sha256 = (path: string) =>
      readFile(path).then((bytes) => createHash('sha256').update(bytes).digest('hex'));
    const zip = join('artifacts', MODEL, '1.0.0', 'people-1.0.0.zip');
    expect(await sha256(join(site, zip))).toBe(await sha256(join(components, zip)));
  });

  it('deletes only what no bundle uses, unless it is forced to', async () => {
    const used = await onFolder('component', 'delete', RUNTIME, '0.1.0');
    expect(used.stderr).toContain('COMPONENT_IN_USE');
    expect(used.stderr).toContain('people@1.1.0');
    const diff = await onFolder('component', 'diff', RUNTIME, '0.1.0', '0.2.0');
    expect(diff.stdout.trim().split('\n')).toHaveLength(4);
    expect(diff.stdout).toContain('artifact vedette-linux-amd64.zip has other content');
    const forced = await onFolder('component', 'delete', RUNTIME, '0.1.0', '--force');
    expect(forced.stdout).toBe(`${RUNTIME} 0.1.0 is deleted\n`);
    const gone = await onFolder('bundle', 'validate', 'people');
    expect(gone.code).toBe(2);
    expect(gone.stderr).toContain(`${RUNTIME} 0.1.0: there is no such version`);
    expect((await onFolder('component', 'delete', RUNTIME, '0.1.0')).stderr).toContain(
      'COMPONENT_NOT_FOUND',
    );
  });

  it('says plainly what is wrong with the file of a bundle', async () => {
    const file = join(project, 'bad.yaml');
    await writeFile(
      file,
      'name: Bad Name\nversion: 1\ndevices: []\ncomponents: { a: { version: x.y } }\n',
    );
    const { code, stderr } = await onFolder('bundle', 'create', file);
    expect(code).toBe(2);
    for (const part of ['name:', 'version:', 'devices:', 'components.a.version:']) {
      expect(stderr).toContain(part);
    }
    await writeFile(file, 'name: [');
    expect((await onFolder('bundle', 'create', file)).stderr).toContain('BUNDLE_INVALID');
    expect((await run('bundle', 'show', 'nobody')).stderr).toContain('BUNDLE_NOT_FOUND');
  });
});

describe('what cannot be', () => {
  it.each([
    [['component', 'list', '--to', '/nonexistent/place'], /^NOT_FOUND: there is no folder \/nonex/],
    [['init', '/nonexistent.onnx'], /^NOT_FOUND: there is no file \/nonexistent\.onnx\n/],
    [
      ['publish', 'runtime', '/nonexistent', '--to', 'unmade'],
      /RECIPE_INVALID: there is no \/nonexistent\/recipes\/recipe\.yaml; `npm run package/,
    ],
    [
      ['publish', 'model', 'unread.onnx', '--to', 'unmade', '--wait-seconds', 'soon'],
      /^REQUEST_INVALID: --wait-seconds is 'soon', expected 0 to 86400\n/,
    ],
  ])('is said in a sentence that names it: %j', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/ENOENT|\n {4}at /);
    expect(stdout).toBe('');
  });
});

describe('completion', () => {
  const execute = promisify(execFile);

  it.each(['bash', 'zsh', 'fish'])('is offered for %s', async (shell) => {
    const { stdout } = await execute(process.execPath, [PUBLISHER_PROGRAM, 'complete', shell]);
    expect(stdout).toContain('vedette');
    if (shell === 'bash') await execute('bash', ['-n', '-c', stdout]);
  });

  it('knows groups, verbs and options', async () => {
    const ask = (...words: string[]) =>
      execute(process.execPath, [PUBLISHER_PROGRAM, 'complete', '--', ...words]);
    expect((await ask('bundle', 'ex')).stdout).toMatch(/^export\t/);
    expect((await ask('doctor', 'aws', '--ex')).stdout).toMatch(/^--external-id\t/);
  });
});
