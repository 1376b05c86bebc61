import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { findAccount } from '../../../cloud-publisher/aws/find-account.ts';
import {
  GreengrassGateway,
  openGreengrass,
} from '../../../cloud-publisher/greengrass/greengrass-gateway.ts';
import { nextMajor } from '../../../cloud-publisher/greengrass/compare-versions.ts';
import { publishComponent } from '../../../cloud-publisher/publication/publish-component.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import { S3Store, openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import {
  ACCESS_KEY,
  BUCKET,
  EmulatedAws,
  REGION,
} from '../../support/emulated-aws/emulated-aws.ts';
import { artifactsOf } from '../../support/emulated-aws/greengrass-recipe.ts';
import { fault } from '../../support/emulated-aws/rest-json.ts';
import { failure } from '../../support/emulated-aws/s3-server.ts';
import { PublisherFolder, releaseOf } from '../../support/publisher-parts.ts';

const PLACE = { component: 'c', version: '1.0.0', key: 'k/model.zip' };
const POLLING = { attempts: 20, intervalMs: 5 };
const LARGE = 40_000_000;

let aws: EmulatedAws;
let folder: PublisherFolder;
let records: PublisherRecords;

beforeAll(async () => {
  aws = await EmulatedAws.start();
  folder = await PublisherFolder.create();
  records = await PublisherRecords.open(folder.fresh());
});
afterEach(() => aws.reset());
afterAll(async () => {
  await records.close();
  await folder.close();
  await aws.close();
});

function openStore(bucket = BUCKET, key: 'valid' | 'expired' | 'unknown' = 'valid'): S3Store {
  Object.assign(process.env, aws.environment(key));
  return new S3Store({ client: openS3(REGION), bucket, prefix: '' });
}

async function openGateway(): Promise<GreengrassGateway> {
  Object.assign(process.env, aws.environment());
  return new GreengrassGateway(openGreengrass(REGION), await findAccount(REGION));
}

describe('S3 in trouble', { timeout: 60_000 }, () => {
  it.each([
    ['503 Service Unavailable', 's3:PutObject', failure(503, 'ServiceUnavailable')],
    ['SlowDown', 's3:PutObject', failure(503, 'SlowDown')],
    ['a cut connection', 's3:PutObject', 'cut' as const],
    ['503 for parts', 's3:UploadPart', failure(503, 'ServiceUnavailable')],
    ['cut parts', 's3:UploadPart', 'cut' as const],
    ['500 at the end', 's3:CompleteMultipartUpload', failure(500, 'InternalError')],
  ])('(%s) is tried again until it works', async (_what, operation, answer) => {
    aws.s3.faults.push({ operation, times: 2, answer });
    const isLarge = operation !== 's3:PutObject';
    const content = randomBytes(isLarge ? LARGE : 1000);
    const store = openStore();
    expect(await store.put(await folder.archive(content), PLACE)).toMatchObject({ isNew: true });
    expect(aws.s3.objects.get(`${BUCKET}/k/model.zip`)?.data.equals(content)).toBe(true);
    store.close();
  });

  it.each([
    ['a small put', 's3:PutObject', 1000],
    ['the end of an upload', 's3:CompleteMultipartUpload', LARGE],
  ])(
    'that did the work but lost the answer of %s is no conflict',
    async (_what, operation, bytes) => {
      aws.s3.faults.push({ operation, times: 1, answer: 'cut', isAfter: true });
      const store = openStore();
      const { uri } = await store.put(await folder.archive(randomBytes(bytes)), PLACE);
      expect(uri).toBe(`s3://${BUCKET}/k/model.zip`);
      expect(aws.s3.uploads.size).toBe(0);
      store.close();
    },
  );

  it('that stays away is reported as worth trying again, and the upload goes on where it stopped', async () => {
    const content = randomBytes(LARGE);
    const archive = await folder.archive(content);
    const store = openStore();
    let parts = 0;
    aws.s3.onCall = (operation, moment) => {
      if (operation === 's3:UploadPart' && moment === 'before') parts += 1;
      if (parts === 2)
        aws.s3.faults.push({ operation: 's3:UploadPart', answer: failure(403, 'AccessDenied') });
    };
    await expect(store.put(archive, PLACE)).rejects.toMatchObject({ code: 'AWS_ACCESS_DENIED' });
    expect(aws.s3.uploads.size).toBe(1);
    const arrived = [...aws.s3.uploads.values()][0]!.parts;
    aws.s3.faults.length = 0;
    aws.s3.onCall = () => undefined;
    aws.s3.calls.length = 0;
    const sentBefore = arrived.size;
    await store.put(archive, PLACE);
    const sent = aws.s3.calls.filter((call) => call.startsWith('s3:UploadPart')).length;
    expect(sent).toBe(3 - sentBefore);
    expect(aws.s3.objects.get(`${BUCKET}/k/model.zip`)?.data.equals(content)).toBe(true);
    expect(aws.s3.uploads.size).toBe(0);
    store.close();
  });

  it('is left at once when the publisher is stopped, and gone on with later', async () => {
    const archive = await folder.archive(randomBytes(LARGE));
    const store = openStore();
    const stopped = new AbortController();
    aws.s3.onCall = (operation) => {
      if (operation === 's3:UploadPart') stopped.abort(new VedetteError('SHUTTING_DOWN', 'stop'));
    };
    await expect(store.put(archive, PLACE, { signal: stopped.signal })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
    aws.s3.onCall = () => undefined;
    expect(await store.put(archive, PLACE)).toMatchObject({ isNew: true });
    expect(aws.s3.uploads.size).toBe(0);
    store.close();
  });

  it('whose upload ends while it is gone on with is asked for the object, and begun anew', async () => {
    const archive = await folder.archive(randomBytes(LARGE));
    const store = openStore();
    aws.s3.onCall = (operation, moment) => {
      if (operation !== 's3:UploadPart' || moment !== 'after') return;
      aws.s3.onCall = () => undefined;
      aws.s3.uploads.clear();
    };
    expect(await store.put(archive, PLACE)).toMatchObject({ isNew: true });
    expect(aws.s3.uploads.size).toBe(0);
    store.close();
  });

  it.each([
    [
      'expired credentials',
      'AWS_CREDENTIALS_EXPIRED',
      () => openStore(BUCKET, 'expired'),
      /aws sso login/,
    ],
    [
      'an unknown access key',
      'AWS_CREDENTIALS_REFUSED',
      () => openStore(BUCKET, 'unknown'),
      /access key/,
    ],
    [
      'a bucket in another region',
      'AWS_REGION_WRONG',
      () => openStore('models-overseas'),
      /region/,
    ],
    ['no such bucket', 'AWS_BUCKET_NOT_FOUND', () => openStore('nobodys'), /create the bucket/],
  ] as const)('because of %s is told as %s', async (_what, code, open, remedy) => {
    for (const bytes of [100, LARGE]) {
      const store = open();
      const archive = await folder.archive(randomBytes(bytes));
      const error = await store.put(archive, PLACE).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringContaining('s3:') });
      expect((error as { remedy: string }).remedy).toMatch(remedy);
      if (code === 'AWS_REGION_WRONG') {
        expect(error).toMatchObject({ message: expect.stringContaining('us-east-2') });
      }
      store.close();
    }
  });

  it('that may not be looked into says so when something is there already', async () => {
    const store = openStore();
    const archive = await folder.archive(randomBytes(10));
    await store.put(archive, PLACE);
    aws.denied.add('s3:HeadObject');
    await expect(store.put(archive, PLACE)).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      message: expect.stringContaining('s3:GetObject'),
    });
    store.close();
  });

  it('that denies a call names the statement that would allow it', async () => {
    aws.denied.add('s3:PutObject');
    const store = openStore();
    const archive = await folder.archive(randomBytes(10));
    await expect(store.put(archive, PLACE)).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      details: {
        statement: {
          Effect: 'Allow',
          Action: 's3:PutObject',
          Resource: `arn:aws:s3:::${BUCKET}/k/model.zip`,
        },
      },
    });
    store.close();
  });
});

describe('Greengrass in trouble', { timeout: 60_000 }, () => {
  async function publish(content = 'content') {
    const [store, gateway] = [openStore(), await openGateway()];
    try {
      const release = releaseOf(await folder.archive(Buffer.from(content)));
      return await publishComponent(
        release,
        { store, gateway, book: records },
        { polling: POLLING },
      );
    } finally {
      store.close();
      gateway.close();
    }
  }

  it.each([
    ['throttles', fault(429, 'ThrottlingException', 'Rate exceeded')],
    ['fails', fault(500, 'InternalServerException', 'oops')],
    ['cuts the connection', 'cut' as const],
  ])('(it %s) is asked again until it answers', async (_what, answer) => {
    aws.greengrass.faults.push({
      operation: 'greengrass:CreateComponentVersion',
      times: 2,
      answer,
    });
    aws.greengrass.faults.push({ operation: 'greengrass:DescribeComponent', times: 2, answer });
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE' });
  });

  it('that created a version but lost the answer made one, not two', async () => {
    aws.greengrass.faults.push({
      operation: 'greengrass:CreateComponentVersion',
      times: 1,
      answer: 'cut',
      isAfter: true,
    });
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE' });
    expect(aws.greengrass.versions.size).toBe(1);
  });

  it('whose version stays REQUESTED is waited for within bounds, and again later', async () => {
    aws.greengrass.isStuck = true;
    await expect(publish()).rejects.toMatchObject({
      code: 'COMPONENT_NOT_READY',
      retryable: true,
      message: expect.stringContaining('REQUESTED'),
    });
    expect(await records.unfinished()).toMatchObject([{ state: 'waiting' }]);
    aws.greengrass.isStuck = false;
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE', isNew: false });
    expect(
      aws.greengrass.calls.filter((call) => call.includes('CreateComponentVersion')),
    ).toHaveLength(1);
  });

  it('whose credentials expire while the version is waited for ends with that, and with new ones the wait goes on', async () => {
    const { greengrass, keys } = aws;
    greengrass.onCall = (operation, moment) => {
      const isMade = greengrass.versions.size > 0 && operation === 'greengrass:DescribeComponent';
      if (isMade && moment === 'before')
        keys.set(ACCESS_KEY, { state: 'expired', denied: new Set() });
    };
    try {
      await expect(publish()).rejects.toMatchObject({
        code: 'AWS_CREDENTIALS_EXPIRED',
        message: expect.stringContaining('greengrass:DescribeComponent'),
        remedy: expect.stringContaining('aws sso login'),
      });
    } finally {
      greengrass.onCall = () => undefined;
      keys.set(ACCESS_KEY, { state: 'valid', denied: new Set() });
    }
    expect(await records.unfinished()).toMatchObject([{ state: 'waiting' }]);
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE', isNew: false });
    expect(await records.unfinished()).toEqual([]);
    const creates = greengrass.calls.filter((call) => call.includes('CreateComponentVersion'));
    expect(creates).toHaveLength(1);
  });

  it('whose version was deleted meanwhile gets it anew, though it remembers the first request', async () => {
    expect(await publish()).toMatchObject({ isNew: true });
    aws.greengrass.versions.clear();
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE', isNew: true });
  });

  it('that cannot read the artifact fails with its reason and a hint, and the version does not stay', async () => {
    aws.greengrass.onCall = (operation) => {
      if (operation === 'greengrass:CreateComponentVersion') aws.s3.objects.clear();
    };
    await expect(publish()).rejects.toMatchObject({
      code: 'COMPONENT_FAILED',
      message: expect.stringMatching(/cannot be accessed.*s3:GetObject.*deleted again/s),
    });
    expect(aws.greengrass.versions.size).toBe(0);
    aws.greengrass.onCall = () => undefined;
    expect(await publish()).toMatchObject({ state: 'DEPLOYABLE', isNew: true });
  });

  it('that keeps a failed version when deleting is denied is told so', async () => {
    aws.denied.add('greengrass:DeleteComponent');
    aws.greengrass.onCall = (operation) => {
      if (operation === 'greengrass:CreateComponentVersion') aws.s3.objects.clear();
    };
    await expect(publish()).rejects.toMatchObject({
      code: 'COMPONENT_FAILED',
      message: expect.stringContaining('still there and blocks its number'),
    });
  });

  it('that read other bytes than were packed is found out by the digest', async () => {
    aws.greengrass.onCall = (operation, moment) => {
      if (operation !== 'greengrass:CreateComponentVersion' || moment !== 'after') return;
      for (const [id, object] of aws.s3.objects) {
        aws.s3.objects.set(id, { ...object, data: Buffer.from('other bytes') });
      }
    };
    await expect(publish()).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    expect(aws.greengrass.versions.size).toBe(0);
  });

  it('that gives no digest of an artifact is not believed', async () => {
    aws.greengrass.onCall = (operation) => {
      if (operation !== 'greengrass:GetComponent') return;
      for (const { recipe } of aws.greengrass.versions.values()) {
        for (const artifact of artifactsOf(recipe)) delete artifact.Digest;
      }
    };
    await expect(publish()).rejects.toMatchObject({
      code: 'ARTIFACT_CORRUPT',
      message: expect.stringContaining('gives no digest'),
    });
  });

  it.each([['DEPLOYABLE'], ['FAILED']] as const)(
    'where somebody else was faster and shows it late leaves their version alone (%s)',
    async (state) => {
      const [name, version] = ['io.vedette.model.parts', '1.0.0'];
      const arn = aws.greengrass.arnOf(name, version);
      const theirs = {
        ...{ arn, name, version, recipe: {}, createdAtSeconds: 0, state, message: 'NONE' },
        ...{ errors: {}, looksLeft: 0, tags: { 'vedette:content-sha256': 'f'.repeat(64) } },
      };
      aws.greengrass.onCall = (operation, moment) => {
        if (operation !== 'greengrass:CreateComponentVersion' || moment !== 'before') return;
        aws.greengrass.versions.set(arn, theirs);
        const answer = fault(404, 'ResourceNotFoundException', 'not yet');
        aws.greengrass.faults.push({
          operation: 'greengrass:DescribeComponent',
          times: 1,
          answer,
        });
      };
      await expect(publish()).rejects.toMatchObject({
        code: 'COMPONENT_VERSION_EXISTS',
        message: expect.stringContaining('the next free version is 1.0.1'),
      });
      expect(aws.greengrass.versions.get(arn)).toBe(theirs);
      expect(await records.unfinished()).toEqual([]);
    },
  );

  it.each([
    ['greengrass:DescribeComponent'],
    ['greengrass:CreateComponentVersion'],
    ['greengrass:GetComponent'],
  ])('that denies %s names the call and the statement', async (operation) => {
    aws.denied.add(operation);
    await expect(publish()).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      message: expect.stringContaining(`"Action":"${operation}"`),
    });
  });

  it('that is full says so', async () => {
    aws.greengrass.maxComponents = 0;
    await expect(publish()).rejects.toMatchObject({ code: 'AWS_QUOTA_EXCEEDED' });
  });

  it('is asked in pages, also for thousands of components', async () => {
    aws.greengrass.fill(5000);
    const gateway = await openGateway();
    expect(new Set((await gateway.list()).map(({ component }) => component)).size).toBe(5000);
    const calls = aws.greengrass.calls.splice(0);
    expect(calls.length).toBeLessThanOrEqual(5000 / 100 + 1);
    // Looking for the next version reads those of one component, whatever else there is.
    const name = 'model-of-many';
    const [like] = aws.greengrass.versions.values();
    for (let major = 1; major <= 250; major += 1) {
      const version = `${major}.0.0`;
      const arn = aws.greengrass.arnOf(name, version);
      aws.greengrass.versions.set(arn, { ...like!, arn, name, version });
    }
    expect(nextMajor(await gateway.versions(name))).toBe('251.0.0');
    expect(aws.greengrass.calls.length).toBeLessThanOrEqual(4);
    gateway.close();
  });

  it('is not asked for a second version sooner than a second after the first', async () => {
    aws.greengrass.createsPerSecond = 1;
    const gateway = await openGateway();
    const store = openStore();
    const release = releaseOf(await folder.archive(Buffer.from('paced')));
    const { uri } = await store.put(release.artifacts[0]!.archive, PLACE);
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      const one = releaseOf(release.artifacts[0]!.archive, version);
      await gateway.create({
        component: one.component,
        version,
        recipe: one.recipe(new Map([[release.artifacts[0]!.archive.sha256, uri]])),
        tags: one.tags,
        clientToken: `token-${version.replaceAll('.', '-')}`,
      });
    }
    const creates = aws.greengrass.calls.filter((call) => call.includes('CreateComponentVersion'));
    expect(creates).toHaveLength(3);
    gateway.close();
    store.close();
  });
});

describe('missing credentials', () => {
  it('are told with the way to get some', async () => {
    const environment = aws.environment();
    const kept = { ...process.env };
    try {
      Object.assign(process.env, environment);
      delete process.env['AWS_ACCESS_KEY_ID'];
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      await expect(findAccount(REGION)).rejects.toMatchObject({
        code: 'AWS_CREDENTIALS_MISSING',
        remedy: expect.stringContaining('AWS_PROFILE'),
      });
    } finally {
      Object.assign(process.env, kept);
    }
  });
});
