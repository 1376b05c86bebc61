import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, EmulatedAws } from '../../support/emulated-aws/emulated-aws.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { runPublisher } from '../../support/run-publisher.ts';
import { runVedette, samples } from '../../support/runtime-process.ts';

const COMPONENT = 'io.vedette.model.coco-detector';

let aws: EmulatedAws;
let folder: PublisherFolder;
let state = '';

beforeAll(async () => {
  aws = await EmulatedAws.start();
  folder = await PublisherFolder.create();
  state = folder.fresh();
});
afterEach(() => aws.reset());
afterAll(async () => {
  await folder.close();
  await aws.close();
});

const argumentsFor = (path: string, more: readonly string[] = []): string[] => [
  ...['publish', 'model', path, '--bucket', BUCKET, '--state', state, '--json', ...more],
];

describe('vedette publish model --bucket', { timeout: 120_000 }, () => {
  it('shows every call that it would make, and makes none that changes anything', async () => {
    const args = argumentsFor(samples('models', 'coco-detector'), ['--dry-run', '--no-run']);
    const { code, stdout, stderr } = await runPublisher(args, aws.environment());
    expect(code, stderr).toBe(0);
    const { calls } = JSON.parse(stdout) as { calls: string[] };
    expect(calls.map((call) => call.split(/[ ,]/)[0])).toEqual([
      'greengrass:DescribeComponent',
      's3:PutObject',
      'greengrass:CreateComponentVersion',
      'greengrass:DescribeComponent',
      'greengrass:GetComponent',
    ]);
    expect(aws.s3.calls).toEqual([]);
    expect(aws.greengrass.calls).toEqual([]);
  });

  it('ends with a deployable component whose artifact the device installs', async () => {
    const path = samples('models', 'coco-detector');
    const { code, stdout, stderr } = await runPublisher(argumentsFor(path), aws.environment());
    expect(code, stderr).toBe(0);
    const published = JSON.parse(stdout) as { artifacts: { uri: string; sha256: string }[] };
    expect(published).toMatchObject({ component: COMPONENT, state: 'DEPLOYABLE', isNew: true });
    const [{ uri, sha256 }] = published.artifacts as [{ uri: string; sha256: string }];
    expect(uri).toBe(
      `s3://${BUCKET}/components/${COMPONENT}/1.0.0/${sha256}/coco-detector-1.0.0.zip`,
    );
    const { data } = aws.s3.objects.get(uri.replace('s3://', ''))!;
    expect(createHash('sha256').update(data).digest('hex')).toBe(sha256);
    const zip = join(folder.path, 'downloaded.zip');
    await writeFile(zip, data);
    const installed = await runVedette({
      arguments: ['model', 'install', zip, '--data-folder', folder.fresh()],
      timeoutMs: 60_000,
    });
    expect(installed.code, installed.stderr).toBe(0);
    const [version] = [...aws.greengrass.versions.values()];
    expect(version).toMatchObject({
      state: 'DEPLOYABLE',
      tags: { 'vedette:model': 'coco-detector', 'vedette:model-version': '1.0.0' },
    });
    const shown = await runPublisher(['component', 'versions', COMPONENT], aws.environment());
    expect(shown.stdout).toBe('1.0.0\n');
  });

  it('refused by AWS exits with 3 and names call, cause and way out', async () => {
    const path = samples('models', 'brick-anomaly');
    const args = argumentsFor(path, ['--no-run']);
    const expired = await runPublisher(args, aws.environment('expired'));
    expect(expired.code).toBe(3);
    expect(expired.stderr).toMatch(
      /AWS_CREDENTIALS_EXPIRED: sts:GetCallerIdentity.*\n→ Sign in again/,
    );
    aws.denied.add('greengrass:CreateComponentVersion');
    const denied = await runPublisher(args, aws.environment());
    expect(denied.code).toBe(3);
    expect(denied.stderr).toContain('"Action":"greengrass:CreateComponentVersion"');
  });

  it('into a bucket of another region names both, and creates nothing', async () => {
    const path = samples('models', 'brick-anomaly');
    const args = argumentsFor(path, ['--no-run', '--bucket', 'models-overseas']);
    const { code, stderr } = await runPublisher(args, aws.environment());
    expect(code).toBe(3);
    expect(stderr).toMatch(/AWS_REGION_WRONG: s3:PutObject.*us-east-2[^\n]*\n→ .*region/);
    expect(aws.greengrass.versions.size).toBe(0);
    expect(aws.s3.objects.size).toBe(0);
    const right = await runPublisher(argumentsFor(path, ['--no-run']), aws.environment());
    expect(right.code, right.stderr).toBe(0);
  });

  it('runs twice at once without harm', async () => {
    const args = argumentsFor(samples('models', 'brick-anomaly'), ['--no-run']);
    const both = await Promise.all([1, 2].map(() => runPublisher(args, aws.environment())));
    for (const { code, stdout, stderr } of both) {
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ state: 'DEPLOYABLE' });
    }
    expect(aws.greengrass.versions.size).toBe(1);
    expect(aws.s3.objects.size).toBe(1);
  });
});
