import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import {
  bundleSha256,
  componentSetOf,
  parseBundle,
} from '../../../cloud-publisher/bundle/bundle-schema.ts';
import type { Bundle, BundleRequest } from '../../../cloud-publisher/bundle/bundle-schema.ts';
import { createBundle } from '../../../cloud-publisher/bundle/create-bundle.ts';
import { exportBundle } from '../../../cloud-publisher/bundle/export-bundle.ts';
import { importBundle } from '../../../cloud-publisher/bundle/import-bundle.ts';
import { validateBundle } from '../../../cloud-publisher/bundle/validate-bundle.ts';
import { applyComponentSet } from '../../../cloud-publisher/deployment/apply-component-set.ts';
import { checkDocument } from '../../../cloud-publisher/deployment/document-limits.ts';
import type { ComponentGateway } from '../../../cloud-publisher/greengrass/component-gateway.ts';
import { FolderGateway } from '../../../cloud-publisher/greengrass/folder-gateway.ts';
import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import { writeStoredZip } from '../../../cloud-publisher/package/write-stored-zip.ts';
import type { ZipSource } from '../../../cloud-publisher/package/write-stored-zip.ts';
import { FolderSource } from '../../../cloud-publisher/storage/artifact-source.ts';
import type { ArtifactSource } from '../../../cloud-publisher/storage/artifact-source.ts';
import { FolderStore } from '../../../cloud-publisher/storage/folder-store.ts';
import { S3Source } from '../../../cloud-publisher/storage/s3-source.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { ArchiveGuard } from '../../../component/inference/package/archive-guard.ts';
import { unpackZip } from '../../../component/inference/package/unpack-zip.ts';
import { buildZip } from '../../support/archive-builder.ts';
import { device } from '../../support/component-universe.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { publishAll } from '../../support/published-components.ts';
import type { TestComponent } from '../../support/published-components.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';

const RUNTIME = 'io.vedette.EdgeRuntime';
const COMPONENTS: TestComponent[] = [
  { component: RUNTIME, version: '1.1.0', needs: { memoryMegabytes: 300 } },
  { component: 'people', version: '1.0.0', dependencies: { [RUNTIME]: '^1.0.0' } },
  { component: 'people', version: '2.0.0', dependencies: { [RUNTIME]: '^2.0.0' } },
  { component: 'plc', version: '1.0.0', defaults: { port: 502 } },
];
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};
const keys = pair();

interface Place {
  readonly gateway: ComponentGateway;
  readonly source: ArtifactSource;
}

let folder: PublisherFolder;
let aws: EmulatedAws;
let records: PublisherRecords;
let components = '';
const places = new Map<string, Place>();

beforeAll(async () => {
  folder = await PublisherFolder.create();
  aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  records = await PublisherRecords.open(folder.fresh());
  components = folder.fresh();
  const greengrass = new GreengrassGateway(openGreengrass(REGION), await findAccount(undefined));
  places.set('a folder', {
    gateway: new FolderGateway(components),
    source: new FolderSource(components),
  });
  places.set('Greengrass', { gateway: greengrass, source: new S3Source(openS3(REGION)) });
  const bucket = new S3Store({ client: openS3(REGION), bucket: BUCKET, prefix: '' });
  const local = new FolderStore(components);
  await publishAll(COMPONENTS, { gateway: greengrass, store: bucket, book: records }, folder);
  const { gateway } = places.get('a folder')!;
  await publishAll(COMPONENTS, { gateway, store: local, book: records }, folder);
});
afterAll(async () => {
  for (const { gateway, source } of places.values()) {
    gateway.close();
    source.close();
  }
  await records.close();
  await folder.close();
  await aws.close();
});

const request = (changes: Partial<BundleRequest> = {}): BundleRequest => ({
  name: 'line',
  version: '1.0.0',
  description: '',
  devices: [device({ nucleus: 'lite', memoryMegabytes: 1000 }), device({ name: 'old' })],
  components: {
    people: { version: '*', reset: [''] },
    plc: { version: '^1.0.0', merge: { port: 503 } },
  },
  ...changes,
});

const made = async (changes: Partial<BundleRequest> = {}, place = 'a folder'): Promise<Bundle> =>
  (await createBundle(request(changes), places.get(place)!.gateway)).bundle;

async function scratch(): Promise<string> {
  const path = folder.fresh();
  await mkdir(path);
  return path;
}

describe.each(['a folder', 'Greengrass'])('a bundle made from %s', (name) => {
  it('locks the newest versions that go together, with digests, and scores its devices', async () => {
    const { gateway } = places.get(name)!;
    const { bundle, report } = await createBundle(request(), gateway);
    expect(bundle.components).toMatchObject({
      [RUNTIME]: { version: '1.1.0', isRequested: false },
      people: { version: '1.0.0', isRequested: true, reset: [''] },
      plc: { version: '1.0.0', merge: { port: 503 } },
    });
    expect(parseBundle(bundle, 'it')).toEqual(bundle);
    expect(report.problems).toEqual([]);
    expect(report.scores.map(({ score }) => score)).toEqual([85, 75]);
    expect(report.scores[0]!.reasons).toContain('people 2.0.0 is newer than 1.0.0 (-5)');
    expect(report.permissions).toHaveLength(1);
  });

  it('is exported and imported into a folder without a connection, where it is the same', async () => {
    const { gateway, source } = places.get(name)!;
    const bundle = await made({}, name);
    const file = `${folder.fresh()}.vedette-bundle`;
    const options = { gateway, source, privateKey: keys.privateKey, scratch: await scratch() };
    await exportBundle(bundle, file, options);
    await expect(
      exportBundle(bundle, file, { ...options, scratch: await scratch() }),
    ).rejects.toMatchObject({ code: 'ARTIFACT_CONFLICT' });
    const target = folder.fresh();
    for (let round = 0; round < 2; round += 1) {
      const imported = await importBundle(file, {
        trusted: keys.publicKey,
        folder: target,
        gateway: new FolderGateway(target),
        scratch: await scratch(),
      });
      expect(imported).toEqual(bundle);
    }
    expect(await validateBundle(bundle, new FolderGateway(target))).toMatchObject({ problems: [] });
    const artifact = join(target, 'artifacts', 'people', '1.0.0', 'people.zip');
    expect(await readFile(artifact, 'utf8')).toBe('people 1.0.0');
  });
});

describe('a bundle', () => {
  it('of what does not go together is refused with the proof', async () => {
    const wanted = { people: { version: '2.0.0' }, [RUNTIME]: { version: '*' } };
    await expect(made({ components: wanted })).rejects.toMatchObject({
      code: 'COMPONENTS_CONFLICT',
      details: { sentences: [expect.stringContaining('people 2.0.0 depends on')] },
    });
  });

  it('is checked as a whole: every problem at once', async () => {
    const good = await made();
    const bad = structuredClone(good);
    bad.components['people']!.recipeSha256 = '0'.repeat(64);
    bad.components['people']!.contentSha256 = '0'.repeat(64);
    bad.components[RUNTIME]!.version = '2.5.0';
    bad.components['plc']!.merge = { port: 1, speed: 'x'.repeat(40_000) };
    const { problems, notes, scores } = await validateBundle(bad, places.get('a folder')!.gateway);
    expect(problems).toEqual([
      expect.stringContaining(`${RUNTIME} 2.5.0: there is no such version in`),
      'people 1.0.0: its content is another than the one that was locked',
      expect.stringMatching(/a deployment of it takes about \d+ bytes, and Greengrass takes 31000/),
      `people 1.0.0: depends on ${RUNTIME} ^1.0.0, and 2.5.0 is in it`,
    ]);
    expect(notes).toEqual(["plc configuration: 'speed' is not among the recipe's defaults"]);
    expect(scores).toEqual([]);
  });

  it.each([
    ['thing', 5_900],
    ['thing', 6_900],
    ['thinggroup', 29_900],
    ['thinggroup', 30_800],
  ] as const)('is as large for a %s as a plan will find it (%i bytes)', async (kind, bytes) => {
    const bundle = structuredClone(await made());
    bundle.components['plc']!.merge = { port: 'x'.repeat(bytes) };
    const { problems, notes } = await validateBundle(bundle, places.get('a folder')!.gateway);
    const { components: planned } = applyComponentSet({}, componentSetOf(bundle));
    let isRefused = false;
    try {
      checkDocument(`arn:aws:iot:${REGION}:123456789012:${kind}/line`, { components: planned });
    } catch (error) {
      expect(error).toMatchObject({ code: 'DEPLOYMENT_TOO_LARGE' });
      isRefused = true;
    }
    const said = (kind === 'thing' ? notes : problems).filter((one) => /^a deployment/.test(one));
    expect(said).toHaveLength(isRefused ? 1 : 0);
    expect(isRefused).toBe(bytes === 6_900 || bytes === 30_800);
  });

  it('with a configuration that the runtime refuses is refused, naming the leaf', async () => {
    const merge = { server: { port: 'high' }, camera: {}, cameras: { line: { fps: 5 } } };
    const wanted = { [RUNTIME]: { version: '*', merge } };
    await expect(made({ components: wanted })).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      details: {
        problems: expect.arrayContaining([
          expect.stringMatching(/EdgeRuntime configuration: server\.port/),
          expect.stringMatching(/EdgeRuntime configuration: .*camera/),
        ]),
      },
    });
  });

  it('says when an artifact was changed, or a device has not enough of something', async () => {
    const bundle = await made();
    const copy = folder.fresh();
    await cp(components, copy, { recursive: true });
    await writeFile(join(copy, 'artifacts', 'people', '1.0.0', 'people.zip'), 'other bytes');
    await rm(join(copy, 'artifacts', 'plc', '1.0.0', 'plc.zip'));
    const devices = [device({ memoryMegabytes: 100 })];
    const { problems } = await validateBundle({ ...bundle, devices }, new FolderGateway(copy));
    expect(problems.join('\n')).toMatch(
      /people 1\.0\.0: people\.zip has the sha256 \w+, locked was/,
    );
    expect(problems.join('\n')).toMatch(
      /plc 1\.0\.0: plc\.zip has the sha256 undefined, locked was/,
    );
    expect(problems.join('\n')).toContain('needs 300 MB of memory, and station-7 has 100 MB');
  });

  it('is kept once for ever under its version', async () => {
    const bundle = await made();
    expect(await records.bundles.add(bundle)).toBe(true);
    expect(await records.bundles.add(bundle)).toBe(false);
    const other = { ...bundle, description: 'another' };
    await expect(records.bundles.add(other)).rejects.toMatchObject({
      code: 'BUNDLE_EXISTS',
      details: { nextVersion: '1.0.1' },
    });
    await records.bundles.add({ ...other, version: '1.10.0' });
    await records.bundles.add({ ...other, version: '1.9.0' });
    expect(await records.bundles.versions('line')).toEqual(['1.10.0', '1.9.0', '1.0.0']);
    expect(bundleSha256((await records.bundles.get('line', '1.0.0')).bundle)).toBe(
      bundleSha256(bundle),
    );
    expect((await records.bundles.get('line')).bundle.version).toBe('1.10.0');
    expect(await records.bundles.using('people', '1.0.0')).toContain('line@1.9.0');
    await expect(records.bundles.get('nobody')).rejects.toMatchObject({ code: 'BUNDLE_NOT_FOUND' });
  });
});

describe('the file of a bundle', () => {
  let file = '';
  let parts: ZipSource[] = [];
  beforeAll(async () => {
    const { gateway, source } = places.get('a folder')!;
    file = `${folder.fresh()}.vedette-bundle`;
    const options = { gateway, source, privateKey: keys.privateKey, scratch: await scratch() };
    await exportBundle(await made(), file, options);
    const opened = await scratch();
    const files = await unpackZip(file, opened, new ArchiveGuard(file, 1e9));
    parts = await Promise.all(
      files.map(async ({ path }) => ({
        path,
        content: { bytes: await readFile(join(opened, path)) },
      })),
    );
  });

  const load = async (from: string, trusted = keys.publicKey) => {
    const target = folder.fresh();
    const gateway = new FolderGateway(target);
    try {
      await importBundle(from, { trusted, folder: target, gateway, scratch: await scratch() });
      return 'imported';
    } catch (error) {
      // Nothing may be placed of a file that is refused.
      await expect(readdir(target)).rejects.toThrow('ENOENT');
      return (error as { code: string }).code;
    }
  };
  const repacked = async (changed: readonly ZipSource[]) => {
    const path = `${folder.fresh()}.zip`;
    await writeStoredZip(path, changed);
    return path;
  };

  it('is refused whatever file in it was changed, left out or added', async () => {
    expect(await load(file)).toBe('imported');
    for (const { path, content } of parts) {
      const bytes = Buffer.from((content as { bytes: Buffer }).bytes);
      bytes[bytes.length >> 1]! ^= 1;
      const others = parts.filter((one) => one.path !== path);
      const changed = await repacked([...others, { path, content: { bytes } }]);
      expect(await load(changed), `changed ${path}`).toMatch(/^BUNDLE_/);
      expect(await load(await repacked(others)), `without ${path}`).toBe('BUNDLE_FILE_INVALID');
    }
    const more = { path: 'artifacts/more', content: { bytes: Buffer.from('more') } };
    expect(await load(await repacked([...parts, more]))).toBe('BUNDLE_FILE_INVALID');
  });

  it('signed by another key is not trusted, and a key of another kind is refused', async () => {
    expect(await load(file, pair().publicKey)).toBe('BUNDLE_SIGNATURE_UNTRUSTED');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const pem = rsa.export({ type: 'spki', format: 'pem' }).toString();
    expect(await load(file, pem)).toBe('REQUEST_INVALID');
    expect(await load(file, 'no key')).toBe('REQUEST_INVALID');
  });

  it('that leads out of its folder, is cut short, or is no archive is refused', async () => {
    const out = `${folder.fresh()}.zip`;
    await writeFile(out, buildZip([{ name: '../outside.json', data: Buffer.from('{}') }]));
    expect(await load(out)).toBe('BUNDLE_FILE_INVALID');
    const bytes = await readFile(file);
    for (const length of [0, 10, bytes.length >> 1, bytes.length - 1]) {
      await writeFile(out, bytes.subarray(0, length));
      expect(await load(out), `${length} bytes`).toBe('BUNDLE_FILE_INVALID');
    }
    expect(await load(join(folder.path, 'nothing'))).toBe('BUNDLE_FILE_INVALID');
  });

  it('does not replace another version that is there', async () => {
    const target = folder.fresh();
    const gateway = new FolderGateway(target);
    const doors = { gateway, store: new FolderStore(target), book: records };
    await publishAll(
      [{ component: 'plc', version: '1.0.0', defaults: { port: 1 } }],
      doors,
      folder,
    );
    const options = { trusted: keys.publicKey, folder: target, gateway, scratch: await scratch() };
    await expect(importBundle(file, options)).rejects.toMatchObject({
      code: 'COMPONENT_VERSION_EXISTS',
    });
  });
});
