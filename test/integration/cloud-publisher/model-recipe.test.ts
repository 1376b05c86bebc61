import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spoolAnswerSchema, spoolRequestSchema } from '../../../component/contract/model-spool.ts';
import type { SpoolAnswer, SpoolRequest } from '../../../component/contract/model-spool.ts';
import { installModel } from '../../../component/inference/model-store/install-model.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { probeLimits } from '../../../cloud-publisher/commands/model-package.ts';
import { packageModel } from '../../../cloud-publisher/package/package-model.ts';
import type { ModelArchive } from '../../../cloud-publisher/package/package-model.ts';
import { prepareModel } from '../../../cloud-publisher/prepare/prepare-model.ts';
import { modelRelease } from '../../../cloud-publisher/recipe/model-release.ts';
import type { Recipe } from '../../../cloud-publisher/recipe/recipe-schema.ts';
import { samples } from '../../support/runtime-process.ts';

const COMPONENT = 'io.vedette.model.brick-anomaly';
let folder = '';
let archives: ModelArchive[];
let recipe: Recipe;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-recipe-'));
  const prepared = await prepareModel(samples('models', 'brick-anomaly'), {});
  archives = await packageModel(prepared, folder);
  const release = await modelRelease(prepared, archives);
  recipe = release.recipe(
    new Map([[archives[0]!.sha256, `s3://bucket/some/${archives[0]!.fileName}`]]),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The startup script as a nucleus gives it to sh, with waiting cut short. */
function script(root: string, artifacts: string, seconds = 20): string {
  const [manifest] = recipe.Manifests;
  const { Script } = manifest!.Lifecycle['startup'] as { Script: string };
  return Script.replaceAll('{artifacts:path}', artifacts)
    .replaceAll('{kernel:rootPath}', root)
    .replace(/^left=\d+$/m, `left=${seconds}`);
}

const runScript = (text: string): Promise<{ code: number; stdout: string }> =>
  new Promise((resolve) => {
    execFile('/bin/sh', ['-c', text], { timeout: 60_000 }, (error, stdout) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout }),
    );
  });

/** A device's folders, with the archive where Greengrass would put it. */
async function device(name: string): Promise<{ root: string; artifacts: string; spool: string }> {
  const root = join(folder, name);
  const artifacts = join(root, 'packages', 'artifacts', COMPONENT, '1.0.0');
  const spool = join(root, 'work', 'io.vedette.EdgeRuntime', 'spool');
  await mkdir(artifacts, { recursive: true });
  await writeFile(join(artifacts, archives[0]!.fileName), await readFile(archives[0]!.file));
  return { root, artifacts, spool };
}

/** Answers the next request as the contract says. */
async function answerNext(
  spool: string,
  answerTo: (request: SpoolRequest) => Promise<SpoolAnswer>,
): Promise<SpoolRequest> {
  for (const one of ['requests', 'answers']) await mkdir(join(spool, one), { recursive: true });
  const requests = join(spool, 'requests');
  let name: string | undefined;
  await expect
    .poll(async () => {
      name = (await readdir(requests)).find((one) => one.endsWith('.json'));
      return name;
    })
    .toBeDefined();
  const text = await readFile(join(requests, name!), 'utf8');
  const request = spoolRequestSchema.parse(JSON.parse(text));
  expect(name).toBe(`${request.id}.json`);
  const answer = spoolAnswerSchema.parse(await answerTo(request));
  const place = join(spool, 'answers', `${request.id}.json`);
  await writeFile(`${place}.part`, `${JSON.stringify(answer)}\n`);
  await rename(`${place}.part`, place);
  await rm(join(requests, name!));
  return request;
}

describe("a model component's start-up", () => {
  it('asks for its archive by the contract, and succeeds when the device has installed it', async () => {
    const { root, artifacts, spool } = await device('installs');
    const store = new ModelStore(join(root, 'data'));
    const [request, { code, stdout }] = await Promise.all([
      answerNext(spool, async ({ id, package: archive }) => {
        const { model } = await installModel(store, archive, { probe: probeLimits() });
        const message = `${model.name} ${model.version} is ready`;
        return { schemaVersion: 1, id, state: 'ready', message };
      }),
      runScript(script(root, artifacts)),
    ]);
    expect(stdout).toContain('brick-anomaly 1.0.0 is ready');
    expect(code).toBe(0);
    expect(request).toMatchObject({
      action: 'install',
      component: COMPONENT,
      componentVersion: '1.0.0',
      model: { name: 'brick-anomaly', version: '1.0.0' },
      package: join(artifacts, 'brick-anomaly-1.0.0.zip'),
    });
  });

  it('fails with the reason on its last line when the model is refused, whatever the reason says', async () => {
    const { root, artifacts, spool } = await device('refuses');
    const message = 'golden "state":"ready"\nscore 0.1 \\ expected 0.9';
    const [, { code, stdout }] = await Promise.all([
      answerNext(spool, async ({ id }) => ({
        schemaVersion: 1,
        id,
        state: 'refused',
        code: 'MODEL_PROBE_FAILED',
        message,
      })),
      runScript(script(root, artifacts)),
    ]);
    expect(code).toBe(1);
    const last = stdout.trimEnd().split('\n').at(-1)!;
    expect(last).toContain('MODEL_PROBE_FAILED');
    expect(last).toContain(JSON.stringify(message));
  });

  it('fails within its time, and takes its request back, when nobody answers', async () => {
    const { root, artifacts, spool } = await device('silent');
    const never = await runScript(script(root, artifacts, 2));
    expect(never).toMatchObject({ code: 1, stdout: expect.stringContaining('is it deployed') });
    await mkdir(join(spool, 'requests'), { recursive: true });
    const silent = await runScript(script(root, artifacts, 2));
    expect(silent).toMatchObject({ code: 1, stdout: expect.stringContaining('gave no answer') });
    expect(await readdir(join(spool, 'requests'))).toEqual([]);
  });

  it('fails at once when its archive is not there', async () => {
    const { root, artifacts } = await device('empty');
    await rm(join(artifacts, archives[0]!.fileName));
    const { code, stdout } = await runScript(script(root, artifacts));
    expect(code).toBe(1);
    expect(stdout).toContain('is not there or may not be read by');
  });
});

describe("a model component's recipe", () => {
  it('is for both processors and both nuclei, and depends on the runtime without being restarted with it', () => {
    expect(recipe.ComponentName).toBe(COMPONENT);
    expect(recipe.Manifests.map(({ Platform }) => Platform)).toEqual([
      { os: 'linux', architecture: 'amd64', runtime: '*' },
      { os: 'linux', architecture: 'aarch64', runtime: '*' },
    ]);
    expect(recipe.ComponentDependencies).toEqual({
      'io.vedette.EdgeRuntime': { VersionRequirement: '>=0.1.0 <2.0.0', DependencyType: 'SOFT' },
    });
    for (const { Lifecycle, Artifacts } of recipe.Manifests) {
      // Lite reads steps in lower case, their settings capitalised, and knows no shutdown.
      expect(Object.keys(Lifecycle)).toEqual(['startup']);
      expect(Object.keys(Lifecycle['startup'] as object)).toEqual(['Timeout', 'Script']);
      expect(Artifacts).toEqual([
        {
          Uri: 's3://bucket/some/brick-anomaly-1.0.0.zip',
          Unarchive: 'NONE',
          Permission: { Read: 'ALL' },
        },
      ]);
    }
  });

  it('keeps configuration out of its scripts, so that a changed one does not run them again', () => {
    expect(JSON.stringify(recipe)).not.toContain('{configuration:');
  });
});
