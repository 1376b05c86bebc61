import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { VedetteError } from '../../component/contract/errors.ts';
import type { CredentialSource } from './credential-source.ts';
import { awsFault } from './aws-fault.ts';
import { clientSettings } from './call-aws.ts';

export interface AwsIdentity {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/**
 * Who the credentials belong to, and in which region.
 * @param region AWS_REGION or the profile's when absent
 * @throws VedetteError AWS_CREDENTIALS_MISSING, AWS_CREDENTIALS_EXPIRED, AWS_CREDENTIALS_REFUSED
 */
export async function findAccount(
  region: string | undefined,
  credentials?: CredentialSource,
): Promise<AwsIdentity> {
  const call = { action: 'sts:GetCallerIdentity', resource: '*' } as const;
  const client = new STSClient(clientSettings(region, credentials));
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    if (Account === undefined || Arn === undefined) {
      throw new VedetteError('AWS_REQUEST_REFUSED', `${call.action} named no account`);
    }
    const partition = Arn.split(':')[1] ?? 'aws';
    return { partition, region: await client.config.region(), accountId: Account };
  } catch (error) {
    throw awsFault(error, call);
  } finally {
    client.destroy();
  }
}
