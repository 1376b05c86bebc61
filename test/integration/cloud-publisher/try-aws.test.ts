import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { BUCKET, EmulatedAws } from '../../support/emulated-aws/emulated-aws.ts';

const ROOT = join(import.meta.dirname, '../../..');
const isDeep = process.env['VEDETTE_DEEP'] === '1';

let aws: EmulatedAws;
beforeAll(async () => {
  aws = await EmulatedAws.start();
});
afterAll(() => aws.close());

it.runIf(isDeep)(
  'npm run try:aws passes against the emulated account, and leaves nothing in it',
  { timeout: 300_000 },
  async () => {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const environment = {
      ...process.env,
      ...aws.environment(),
      VEDETTE_TRY_AWS: '1',
      VEDETTE_TRY_BUCKET: BUCKET,
    };
    const folder = await mkdtemp(join(tmpdir(), 'vedette-try-aws-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'report.json');
    const args = [vitest, 'run', 'real-aws', '--reporter=json', `--outputFile=${file}`];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT, env: environment });
    const report = JSON.parse(await readFile(file, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    expect(report.numFailedTests).toBe(0);
    expect(report.numPassedTests).toBeGreaterThan(10);
    expect([...aws.s3.objects.keys()]).toEqual([]);
    expect(aws.s3.uploads.size).toBe(0);
    expect(aws.greengrass.versions.size).toBe(0);
  },
);
