import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { requestProblems } from '../../../cloud-publisher/dda/dda-names.ts';
import { ddaComponentRelease, packageDda } from '../../../cloud-publisher/dda/dda-release.ts';
import { DDA_TARGETS, resolveTarget } from '../../../cloud-publisher/dda/dda-targets.ts';
import type { DdaRelease, DdaRuntime } from '../../../cloud-publisher/dda/dda-targets.ts';
import { prepareDda } from '../../../cloud-publisher/dda/prepare-dda.ts';
import { publishTargets } from '../../../cloud-publisher/dda/publish-targets.ts';
import type { DdaPublication } from '../../../cloud-publisher/dda/publish-targets.ts';
import { readTrainingOutput } from '../../../cloud-publisher/dda/training-output.ts';
import { FolderGateway } from '../../../cloud-publisher/greengrass/folder-gateway.ts';
import type { CreateRequest } from '../../../cloud-publisher/greengrass/component-gateway.ts';
import type { PackedArchive } from '../../../cloud-publisher/package/packed-archive.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import { FolderStore } from '../../../cloud-publisher/storage/folder-store.ts';
import type { ArtifactPlace } from '../../../cloud-publisher/storage/artifact-store.ts';
import { buildTar } from '../../support/archive-builder.ts';
import { constantModel, graphOf } from '../../support/dda-packages.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';

const PROPERTY = { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 1000 : 60 };
const LOCAL_SERVER = 'aws.edgeml.dda.LocalServer';

/** The table of targets as it was written down from DDA's sources. */
const TABLE: readonly [
  target: string,
  platform: string,
  in2025: string | undefined,
  in2026: string,
][] = [
  ['jetson-xavier', 'aarch64', 'arm64', 'arm64JP4'],
  ['jetson-xavier-jp5', 'aarch64', undefined, 'arm64JP5'],
  ['jetson-xavier-jp6', 'aarch64', undefined, 'arm64JP6'],
  ['jetson-xavier-jp7', 'aarch64', undefined, 'arm64JP7'],
  ['onnx-jetson-xavier-jp5', 'aarch64', undefined, 'arm64JP5'],
  ['onnx-jetson-xavier-jp6', 'aarch64', undefined, 'arm64JP6'],
  ['onnx-jetson-xavier-jp7', 'aarch64', undefined, 'arm64JP7'],
  ['arm64-cpu', 'aarch64', 'arm64', 'arm64JP4'],
  ['x86_64-cpu', 'amd64', 'amd64', 'amd64'],
  ['x86_64-cuda', 'amd64', 'amd64', 'amd64'],
];
const TARGETS = TABLE.map(([target]) => target);

let folder: PublisherFolder;
let records: PublisherRecords;

beforeAll(async () => {
  folder = await PublisherFolder.create();
  records = await PublisherRecords.open(folder.fresh());
});
afterAll(async () => {
  await records.close();
  await folder.close();
});

const name = fc.stringMatching(/^model-[a-z0-9][a-z0-9._-]{0,30}$/);
const friendlyName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,30}$/);
const version = fc.integer({ min: 1, max: 999_999 }).map((major) => `${major}.0.0`);
const side = fc.integer({ min: 8, max: 1024 });
const stageType = fc.constantFrom(
  'supervised_multi_head_model',
  'knn_feedback_model',
  'unsupervised_svdd',
  'yolo_object_detection',
);
const targets = fc.uniqueArray(fc.constantFrom(...TARGETS), { minLength: 1, maxLength: 4 });

/** The output of a training job. */
async function training(
  graph: object,
  shape: readonly number[],
  models: Readonly<Record<string, Uint8Array>>,
  size = { image_width: shape[3], image_height: shape[2] },
): Promise<string> {
  const path = folder.fresh();
  await mkdir(join(path, 'export_artifacts'), { recursive: true });
  await writeFile(
    join(path, 'config.yaml'),
    `dataset:\n  image_width: ${size.image_width}\n  image_height: ${size.image_height}\n  name: line 3\n`,
  );
  await writeFile(
    join(path, 'export_artifacts', 'manifest.json'),
    JSON.stringify({ input_shape: shape, model_graph: graph, extra: { kept: true } }),
  );
  for (const [file, content] of Object.entries(models)) {
    await writeFile(join(path, 'export_artifacts', file), content);
  }
  return path;
}

/** Component recipe of DDA's notebook and portal, field by field. */
const expectedRecipe = (expected: {
  component: string;
  version: string;
  friendlyName: string;
  localServer: string;
  platform: string;
  uri: string;
  stem: string;
}) => ({
  RecipeFormatVersion: '2020-01-25',
  ComponentName: expected.component,
  ComponentVersion: expected.version,
  ComponentType: 'aws.greengrass.generic',
  ComponentPublisher: 'Amazon Lookout for Vision',
  ComponentConfiguration: {
    DefaultConfiguration: {
      Autostart: false,
      PYTHONPATH: '/usr/bin/python3.9',
      ModelName: expected.friendlyName,
    },
  },
  ComponentDependencies: {
    [expected.localServer]: { VersionRequirement: '^1.0.0', DependencyType: 'HARD' },
  },
  Manifests: [
    {
      Platform: { os: 'linux', architecture: expected.platform },
      Lifecycle: {
        Startup: {
          Script: `python3 /aws_dda/model_convertor.py --unarchived_model_path {artifacts:decompressedPath}/${expected.stem}/ --model_version ${expected.version} --model_name ${expected.component}`,
          Timeout: 900,
          requiresPrivilege: true,
          runWith: { posixUser: 'root' },
        },
        Shutdown: {
          Script: `python3 /aws_dda/convert_model_cleanup.py --model_name ${expected.component}`,
          Timeout: 900,
          requiresPrivilege: true,
          runWith: { posixUser: 'root' },
        },
      },
      Artifacts: [
        {
          Uri: expected.uri,
          Digest: '',
          Algorithm: 'SHA-256',
          Unarchive: 'ZIP',
          Permission: { Read: 'ALL', Execute: 'ALL' },
        },
      ],
    },
  ],
  Lifecycle: {},
});

describe("DDA's seven properties", { timeout: 120_000 }, () => {
  it('phase order: an artifact is there before its component, and the component before it is looked for', async () => {
    const archive = await folder.archive(Buffer.from('dda'), 'x_greengrass_model_component.zip');
    await fc.assert(
      fc.asyncProperty(name, version, targets, async (base, wanted, chosen) => {
        const steps: string[] = [];
        const doors = recordingDoors(steps);
        const publication = publicationOf(base, wanted, chosen);
        await publishTargets(publication, async () => archive, doors);
        const expected = chosen.flatMap((target) => {
          const component = `${base}-${target.replaceAll('_', '-')}`;
          return [`find ${component}`, `put ${component}`, `create ${component}`];
        });
        expect(steps).toEqual(expected);
      }),
      { numRuns: PROPERTY.numRuns / 4 },
    );
  });

  it("manifest equivalence: the notebook's three keys for a compiled model, the graph as it was", async () => {
    await fc.assert(
      fc.asyncProperty(
        stageType,
        side,
        side,
        fc.jsonValue(),
        async (type, width, height, extra) => {
          const graph = {
            ...graphOf(type),
            image_level_classes: { names: ['ok'], normal_ids: [0] },
            extra,
          };
          const shape = [1, 3, height, width];
          const path = await training(graph, shape, { 'mochi.pt': Buffer.from('weights') });
          const output = await readTrainingOutput(path, []);
          const kept = JSON.parse(JSON.stringify(graph)) as object;
          expect(output?.manifest).toEqual({
            model_graph: kept,
            compilable_models: [
              { filename: 'mochi.pt', data_input_config: { input: shape }, framework: 'PYTORCH' },
            ],
            dataset: { image_width: width, image_height: height },
          });
          expect(output).toMatchObject({ stageType: type, runtime: 'dlr' });
        },
      ),
      PROPERTY,
    );
  });

  it('directory structure: manifest.json and the stage at the top of the zip, names by the content', async () => {
    const paths = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,4})?$/), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(
        stageType,
        paths,
        fc.uint8Array({ maxLength: 99 }),
        async (type, names, content) => {
          const files = [];
          for (const one of names) {
            const file = folder.fresh();
            await writeFile(file, content);
            files.push({ path: `${type}/${one}`, file });
          }
          const manifest = { model_graph: graphOf(type) };
          const place = folder.fresh();
          const archive = await packageDda({ manifest }, files, place);
          expect(archive.fileName).toMatch(/^[0-9a-f]{12}_greengrass_model_component\.zip$/);
          expect(archive.files.map(({ path }) => path).sort()).toEqual(
            ['manifest.json', ...files.map(({ path }) => path)].sort(),
          );
          const again = await packageDda({ manifest }, files.toReversed(), place);
          expect(again).toEqual(archive);
          const release = await ddaComponentRelease(archive, {
            ...publicationOf('model-a', '1.0.0', ['x86_64-cpu']),
            version: '1.0.0',
            target: resolveTarget('x86_64-cpu', 'onnx', '2026'),
          });
          const id = archive.fileName.slice(0, 12);
          expect(release.artifacts[0]!.key).toBe(
            `model_artifacts/model-${id}/${id}_greengrass_model_component.zip`,
          );
        },
      ),
      PROPERTY,
    );
  });

  it('recipe identity: every field as the notebook and the portal write it', async () => {
    const archive = await folder.archive(
      Buffer.from('r'),
      '0123456789ab_greengrass_model_component.zip',
    );
    await fc.assert(
      fc.asyncProperty(
        name,
        version,
        friendlyName,
        fc.constantFrom(...TABLE.filter(([, , in2025]) => in2025 !== undefined)),
        async (base, wanted, friendly, [target, platform, in2025, in2026]) => {
          const component = `${base}-${target.replaceAll('_', '-')}`;
          const uri =
            's3://bucket/model_artifacts/model-0/0123456789ab_greengrass_model_component.zip';
          const recipeIn = async (release: DdaRelease) => {
            const made = await ddaComponentRelease(archive, {
              name: base,
              version: wanted,
              friendlyName: friendly,
              target: resolveTarget(target, 'onnx', release),
              release,
              tags: {},
            });
            return made.recipe(new Map([[archive.sha256, uri]]));
          };
          const common = {
            component,
            version: wanted,
            friendlyName: `${friendly} (${target})`,
            platform,
            uri,
            stem: '0123456789ab_greengrass_model_component',
          };
          const old = expectedRecipe({ ...common, localServer: `${LOCAL_SERVER}.${in2025}` });
          expect(await recipeIn('2025')).toEqual(old);
          const { Manifests, ...rest } = await recipeIn('2026');
          const { Manifests: oldManifests, ...oldRest } = expectedRecipe({
            ...common,
            localServer: `${LOCAL_SERVER}.${in2026}`,
          });
          expect(rest).toEqual(oldRest);
          const { Startup, Shutdown } = Manifests[0]!.Lifecycle as Record<
            string,
            { Script: string }
          >;
          const { Startup: first, Shutdown: last } = oldManifests[0]!.Lifecycle;
          expect(Startup).toMatchObject({ Timeout: 1800, requiresPrivilege: true });
          expect(Startup!.Script.endsWith(`\n${first.Script}`)).toBe(true);
          for (const seed of [
            'model_convertor.py',
            'convert_model_cleanup.py',
            'resources_for_copy',
          ]) {
            expect(Startup!.Script).toContain(`[ -e /aws_dda/${seed} ]`);
          }
          expect(Startup!.Script).toMatch(/seed_timeout=600\n[^]*sleep 5\n/);
          expect(Shutdown).toEqual({ ...last, Timeout: 1800 });
        },
      ),
      PROPERTY,
    );
  });

  it('platform mapping: the table, and nothing but the table', () => {
    expect([...DDA_TARGETS.keys()].sort()).toEqual([...TARGETS].sort());
    for (const [target, platform, in2025, in2026] of TABLE) {
      expect(resolveTarget(target, 'onnx', '2026')).toEqual({
        name: target,
        architecture: platform,
        localServer: `${LOCAL_SERVER}.${in2026}`,
      });
      const of2025 = () => resolveTarget(target, 'onnx', '2025').localServer;
      if (in2025 === undefined) expect(of2025).toThrow('is not in DDA 2025');
      else expect(of2025()).toBe(`${LOCAL_SERVER}.${in2025}`);
    }
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom<DdaRuntime>('dlr', 'onnx', 'pytorch'),
        (text, runtime) => {
          fc.pre(!TARGETS.includes(text));
          expect(() => resolveTarget(text, runtime, '2026')).toThrow(
            expect.objectContaining({ code: 'DDA_TARGET_UNKNOWN' }),
          );
        },
      ),
    );
    expect(() => resolveTarget('jetson-xavier-jp7', 'dlr', '2026')).toThrow('onnx only');
    expect(() => resolveTarget('onnx-jetson-xavier-jp5', 'dlr', '2026')).toThrow('onnx only');
  });

  it('validation: names begin with model-, versions are N.0.0, and all problems come at once', () => {
    const anyName = fc.oneof(
      name,
      fc.string(),
      fc.string().map((text) => `model-${text}`),
    );
    const anyVersion = fc.oneof(
      version,
      fc.string(),
      fc.constantFrom('0.0.0', '1.2.0', '1.0', '01.0.0'),
    );
    fc.assert(
      fc.property(anyName, anyVersion, (wantedName, wantedVersion) => {
        const problems = requestProblems({
          name: wantedName,
          version: wantedVersion,
          targets: ['x86_64-cpu'],
          runtime: 'onnx',
          release: '2026',
        });
        const isFine =
          /^model-[a-zA-Z0-9._-]+$/.test(wantedName) &&
          wantedName.length + '-x86-64-cpu'.length <= 128 &&
          /^[1-9][0-9]{0,5}\.0\.0$/.test(wantedVersion);
        expect(problems.length === 0).toBe(isFine);
      }),
      { numRuns: 1000 },
    );
    const all = requestProblems({
      name: 'my model',
      version: '1.2.3',
      targets: ['toaster', 'x86_64-cpu'],
      runtime: 'onnx',
      release: '2026',
    });
    expect(all).toHaveLength(4);
    expect(all.join()).toMatch(/must start with "model-".*other characters.*x\.0\.0.*toaster/s);
  });

  it('error handling: a target that fails does not stop the others, and its cause is in its result', async () => {
    const archive = await folder.archive(Buffer.from('e'), 'e_greengrass_model_component.zip');
    await fc.assert(
      fc.asyncProperty(name, targets, fc.func(fc.boolean()), async (base, chosen, fails) => {
        const doors = recordingDoors([]);
        const results = await publishTargets(
          publicationOf(base, '1.0.0', chosen),
          async (target) => {
            if (!fails(target)) return archive;
            throw new VedetteError('MODEL_PACKAGE_INVALID', `no model for ${target}`);
          },
          doors,
        );
        expect(results.map(({ outcome }) => outcome)).toEqual(
          chosen.map((target) => {
            const common = {
              target,
              platform: DDA_TARGETS.get(target)!.architecture,
              component_name: `${base}-${target.replaceAll('_', '-')}`,
            };
            return fails(target)
              ? {
                  ...common,
                  status: 'failed',
                  error: `MODEL_PACKAGE_INVALID: no model for ${target}`,
                }
              : {
                  ...common,
                  component_version: '1.0.0',
                  component_arn: expect.stringContaining(common.component_name),
                  status: 'published',
                };
          }),
        );
      }),
      { numRuns: PROPERTY.numRuns / 4 },
    );
  });
});

describe('models for DDA', { timeout: 60_000 }, () => {
  const shape = [1, 3, 8, 8];
  const detector = () =>
    buildOnnx(constantModel([{ name: 'output0', shape: [1, 5, 6], values: Array(30).fill(0.1) }]));

  it('from a training job with ONNX name the runtime and keep their keys but compilable_models', async () => {
    const graph = graphOf('yolo_object_detection');
    const path = await training(graph, shape, { 'model.onnx': detector() });
    const manifestFile = join(path, 'export_artifacts', 'manifest.json');
    const original = JSON.parse(await readFile(manifestFile, 'utf8')) as object;
    const detection = { layout: 'yolo', num_classes: 1, class_names: ['cap'], network_input: 8 };
    const more = { task: 'object_detection', detection, compilable_models: [{ filename: 'x.pt' }] };
    await writeFile(manifestFile, JSON.stringify({ ...original, ...more }));
    const prepared = await prepareDda(path, {});
    expect(prepared.manifest).toEqual({
      ...original,
      task: 'object_detection',
      detection,
      runtime: 'onnx',
      runtime_artifact: 'model.onnx',
      dataset: { image_width: 8, image_height: 8 },
    });
    expect(prepared.filesFor('x86_64-cpu').map(({ path: one }) => one)).toEqual([
      'yolo_object_detection/model.onnx',
    ]);
    await prepared.close();
  });

  it('that are compiled take the archive of their target, and say which target has none', async () => {
    const graph = graphOf('supervised_multi_head_model');
    const path = await training(graph, shape, { 'mochi.pt': Buffer.from('weights') });
    const compiled = folder.fresh();
    await writeFile(
      compiled,
      gzipSync(
        buildTar([
          { name: 'compiled.so', data: Buffer.from('so') },
          { name: 'compiled.meta', data: Buffer.from('{}') },
        ]),
      ),
    );
    const prepared = await prepareDda(path, { compiled: new Map([['jetson-xavier', compiled]]) });
    const files = prepared.filesFor('jetson-xavier');
    const archive = await packageDda(prepared, files, folder.fresh());
    expect(archive.files.map(({ path: one }) => one)).toEqual([
      'manifest.json',
      'supervised_multi_head_model/compiled.meta',
      'supervised_multi_head_model/compiled.so',
    ]);
    expect(() => prepared.filesFor('x86_64-cpu')).toThrow('--compiled x86_64-cpu=');
    await prepared.close();
  });

  it('of a bare YOLO file get a manifest that the device reads', async () => {
    const file = join(folder.path, 'caps.onnx');
    // A head of strides 8, 16 and 32 has 16 + 4 + 1 candidates in 32×32 pixels.
    const model = constantModel([
      { name: 'output0', shape: [1, 5, 21], values: Array(105).fill(0.1) },
    ]);
    const inputs = [{ name: 'image', dtype: 'float32' as const, shape: [1, 3, 32, 32] }];
    const metadata = { names: "{0: 'cap'}", task: 'detect', stride: '32' };
    await writeFile(file, buildOnnx({ ...model, inputs, metadata }));
    const prepared = await prepareDda(file, {});
    expect(prepared).toMatchObject({
      name: 'caps',
      stageType: 'yolo_object_detection',
      runtime: 'onnx',
      manifest: { detection: { layout: 'yolo', class_names: ['cap'], network_input: 32 } },
    });
    await prepared.close();
  });

  it('have the tags of the portal, and none without a value', async () => {
    const archive = await folder.archive(Buffer.from('t'), 't_greengrass_model_component.zip');
    const made = (tags: object) =>
      ddaComponentRelease(archive, {
        ...publicationOf('model-a', '1.0.0', ['x86_64-cpu']),
        version: '1.0.0',
        target: resolveTarget('x86_64-cpu', 'onnx', '2026'),
        tags,
      });
    const own = { 'vedette:content-sha256': expect.stringMatching(/^[0-9a-f]{64}$/) };
    const always = { 'dda-portal:managed': 'true', 'dda-portal:model-name': 'Caps', ...own };
    expect((await made({})).tags).toEqual(always);
    const given = { usecaseId: 'line-3', trainingId: 'job-7', createdBy: 'ada' };
    expect((await made(given)).tags).toEqual({
      ...always,
      'dda-portal:usecase-id': 'line-3',
      'dda-portal:training-id': 'job-7',
      'dda-portal:created-by': 'ada',
    });
  });

  it('with faults are refused with all of them', async () => {
    const graph = { ...graphOf('knn_feedback_model'), model_graph_type: 'two_stage_model_graph' };
    const path = await training(graph, shape, {}, { image_width: 9, image_height: 8 });
    await expect(prepareDda(path, {})).rejects.toMatchObject({
      code: 'MODEL_PACKAGE_INVALID',
      details: {
        problems: [
          expect.stringContaining('has 2 stages, found 1'),
          expect.stringContaining('cannot be packed'),
          expect.stringContaining('9×8'),
          expect.stringContaining('holds no model'),
        ],
      },
    });
  });

  it('are published again under the same version, and changed ones under the next', async () => {
    const doors = recordingDoors([]);
    const publish = async (content: string) => {
      const archive = await folder.archive(
        Buffer.from(content),
        `${content}_greengrass_model_component.zip`,
      );
      const [result] = await publishTargets(
        publicationOf('model-next', undefined, ['arm64-cpu']),
        async () => archive,
        doors,
      );
      return result!.outcome.component_version;
    };
    expect(await publish('a')).toBe('1.0.0');
    expect(await publish('a')).toBe('1.0.0');
    expect(await publish('b')).toBe('2.0.0');
  });
});

const publicationOf = (base: string, wanted: string | undefined, chosen: readonly string[]) =>
  ({
    name: base,
    version: wanted,
    friendlyName: 'Caps',
    targets: chosen,
    runtime: 'onnx',
    release: '2026',
    tags: {},
  }) satisfies DdaPublication;

/** A folder's doors that note what is asked of them. */
function recordingDoors(steps: string[]) {
  const place = folder.fresh();
  class NotingStore extends FolderStore {
    override put(archive: PackedArchive, at: ArtifactPlace) {
      steps.push(`put ${at.component}`);
      return super.put(archive, at);
    }
  }
  class NotingGateway extends FolderGateway {
    override find(component: string, wanted: string) {
      steps.push(`find ${component}`);
      return super.find(component, wanted);
    }
    override create(request: CreateRequest) {
      steps.push(`create ${request.component}`);
      return super.create(request);
    }
  }
  return { store: new NotingStore(place), gateway: new NotingGateway(place), book: records };
}
