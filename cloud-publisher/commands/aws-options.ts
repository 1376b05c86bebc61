import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import type { CredentialSource } from '../aws/credential-source.ts';

/** In which account and region AWS is called. */
export interface AwsOptions {
  readonly region?: string;
  readonly roleArn?: string;
  readonly externalId?: string;
}

export const withAws = (command: Command): Command =>
  command
    .option('--region <region>', "AWS region; else that of AWS_REGION or the profile's")
    .option('--role-arn <arn>', 'role to take on, such as one of another account')
    .option('--external-id <id>', 'what the owner of the role demands with it');

/** Those of the role; `undefined` where AWS' own tools find them. @throws VedetteError REQUEST_INVALID */
export async function credentialsOf({
  roleArn,
  externalId,
  region,
}: AwsOptions): Promise<CredentialSource | undefined> {
  if (roleArn === undefined) {
    if (externalId === undefined) return undefined;
    throw new VedetteError('REQUEST_INVALID', '--external-id goes with --role-arn');
  }
  requireRoleArn('--role-arn', roleArn);
  const { assumeRole } = await import('../aws/assume-role.ts');
  return assumeRole({ roleArn, externalId, region });
}

/** @throws VedetteError REQUEST_INVALID */
export function requireRoleArn(option: string, arn: string): void {
  if (/^arn:[a-z-]+:iam::\d{12}:role\/\S+$/.test(arn)) return;
  throw new VedetteError('REQUEST_INVALID', `${option} is '${arn}', expected arn:…:role/…`);
}
