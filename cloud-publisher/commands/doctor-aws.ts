import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import type { AwsAction, AwsActionEntry, AwsPurpose } from '../aws/aws-calls.ts';
import type { PolicyDocument, PolicyScope } from '../aws/aws-policy.ts';
import { AWS_ACTIONS } from '../aws/aws-calls.ts';
import { AWS_PURPOSES, USUAL_PURPOSES, policyFor, resourcesOf } from '../aws/aws-policy.ts';
import type { CallProbe } from '../aws/probe-call.ts';
import { credentialsOf, withAws } from './aws-options.ts';
import type { AwsOptions } from './aws-options.ts';
import type { PublisherContext } from './publisher-context.ts';

interface DoctorOptions extends AwsOptions {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly for?: readonly string[];
  readonly policy?: boolean;
  readonly json?: boolean;
}

interface Check {
  readonly check: string;
  readonly state: CallProbe['state'] | 'fine';
  readonly says: string;
}

/** Components that a region holds. */
const MAX_COMPONENTS = 5000;
const NEAR = 0.9;

/** `vedette doctor aws` */
export function addDoctorAws(doctor: Command, context: PublisherContext): void {
  doctor.enablePositionalOptions();
  withAws(
    doctor
      .command('aws')
      .description('look at credentials, permissions, region, bucket and quotas of AWS')
      .option('-b, --bucket <name>', 'the bucket of artifacts; else none is looked at')
      .option('--prefix <prefix>', 'begin of every key in the bucket'),
  )
    .option(
      '--for <purposes...>',
      'publish, deploy, look and sagemaker; the first three when absent',
    )
    .option('--policy', 'print the least policy that is needed, and look at nothing')
    .option('--json', 'print {"account", "region", "isHealthy", "checks", "policy"}')
    .action((options: DoctorOptions) => doctorAws(options, context));
}

/** The exit code is 3 when something is missing. */
async function doctorAws(options: DoctorOptions, { stdout }: PublisherContext): Promise<void> {
  const purposes = purposesOf(options.for);
  const prefix = (options.prefix ?? '').replaceAll(/^\/+|\/+$/g, '');
  const { findAccount } = await import('../aws/find-account.ts');
  const credentials = await credentialsOf(options);
  const account = await findAccount(options.region, credentials);
  const scope: PolicyScope = {
    ...account,
    ...(options.bucket === undefined ? {} : { bucket: options.bucket }),
    prefix,
  };
  if (options.policy) {
    stdout.write(`${JSON.stringify(policyFor(purposes, scope), undefined, 2)}\n`);
    return;
  }
  const checks = [
    { check: 'credentials', state: 'fine', says: `account ${account.accountId}` } as const,
    { check: 'region', state: 'fine', says: account.region } as const,
    ...(await callChecks(purposes, scope, credentials)),
  ];
  const missing = checks.filter(({ state }) => state === 'denied');
  // `unknown` says nothing against it.
  const isHealthy = checks.every(({ state }) => state !== 'denied' && state !== 'failed');
  const policy = missing.length === 0 ? undefined : policyOf(missing, scope);
  const outcome = { account: account.accountId, region: account.region, isHealthy, checks, policy };
  stdout.write(options.json ? `${JSON.stringify(outcome, undefined, 2)}\n` : textOf(outcome));
  if (!isHealthy) process.exitCode = 3;
}

async function callChecks(
  purposes: readonly AwsPurpose[],
  scope: PolicyScope,
  credentials: Awaited<ReturnType<typeof credentialsOf>>,
): Promise<Check[]> {
  const [{ openGreengrass, GreengrassGateway }, greengrass, { openS3 }, { probeBucket }] =
    await Promise.all([
      import('../greengrass/greengrass-gateway.ts'),
      import('../greengrass/probe-greengrass.ts'),
      import('../storage/s3-store.ts'),
      import('../storage/probe-bucket.ts'),
    ]);
  const client = openGreengrass(scope.region, credentials);
  const gateway = new GreengrassGateway(client, scope);
  const s3 = openS3(scope.region, credentials);
  try {
    const probes = await greengrass.probeGreengrass(client, scope);
    if (purposes.includes('deploy')) probes.push(...(await greengrass.probeDeployments(client)));
    if (purposes.includes('sagemaker')) {
      const { probeSageMaker } = await import('../sagemaker/probe-sagemaker.ts');
      probes.push(...(await probeSageMaker(scope, credentials)));
    }
    if (scope.bucket !== undefined) {
      probes.push(...(await probeBucket(s3, scope.bucket, scope.prefix ?? '')));
    }
    const checks: Check[] = probes
      .filter(({ action }) => AWS_ACTIONS[action].purposes.some((one) => purposes.includes(one)))
      .map(({ action, ...probe }) => ({ check: action, ...probe }));
    const mayList = probes.some(
      ({ action, state }) => action === 'greengrass:ListComponents' && state === 'allowed',
    );
    if (mayList) checks.push(quotaCheck((await gateway.list()).length));
    return checks;
  } finally {
    gateway.close();
    s3.destroy();
  }
}

function quotaCheck(count: number): Check {
  const says = `${count} of ${MAX_COMPONENTS} components in this region`;
  return count < MAX_COMPONENTS * NEAR
    ? { check: 'quotas', state: 'fine', says }
    : { check: 'quotas', state: 'failed', says: `${says}: delete some, or have the quota raised` };
}

function policyOf(missing: readonly Check[], scope: PolicyScope): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: missing.map(({ check }) => {
      const { resource, needs = [] }: AwsActionEntry = AWS_ACTIONS[check as AwsAction];
      const [service = ''] = check.split(':');
      const own = needs.filter((need) => need.startsWith(`${service}:`));
      return { Effect: 'Allow', Action: [check, ...own], Resource: resourcesOf(resource, scope) };
    }),
  };
}

function textOf({
  checks,
  policy,
}: {
  readonly checks: readonly Check[];
  readonly policy: PolicyDocument | undefined;
}): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.map(({ check, state, says }) =>
    state === says
      ? `${check.padEnd(width)}  ${state}`
      : `${check.padEnd(width)}  ${state}: ${says}`,
  );
  if (policy) lines.push('', 'needed:', JSON.stringify(policy, undefined, 2));
  return lines.map((line) => `${line}\n`).join('');
}

/** @throws VedetteError REQUEST_INVALID */
function purposesOf(named: readonly string[] | undefined): AwsPurpose[] {
  if (named === undefined) return [...USUAL_PURPOSES];
  const unknown = named.find((name) => !AWS_PURPOSES.includes(name as AwsPurpose));
  if (unknown === undefined) return named as AwsPurpose[];
  throw new VedetteError(
    'REQUEST_INVALID',
    `--for is '${unknown}', expected ${AWS_PURPOSES.join(', ')}`,
  );
}
