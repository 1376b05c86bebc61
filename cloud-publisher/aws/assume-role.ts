import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { VedetteError } from '../../component/contract/errors.ts';
import { awsFault } from './aws-fault.ts';
import { clientSettings } from './call-aws.ts';
import type { CredentialSource, SessionCredentials } from './credential-source.ts';
import { renewedCredentials } from './renewed-credentials.ts';

export interface RoleToAssume {
  readonly roleArn: string;
  /** What the owner of the role demands, so that nobody else can have it taken on. */
  readonly externalId?: string | undefined;
  readonly region?: string | undefined;
}

const SESSION_NAME = 'vedette-publisher';
const SESSION_SECONDS = 3600;
/** A session is not used to its last moment: an upload may have begun. */
const MARGIN_MS = 300_000;

/** Credentials of a role, of this account or another; one session for all clients that get the source. */
export function assumeRole({ roleArn, externalId, region }: RoleToAssume): CredentialSource {
  const own = renewedCredentials();
  let session: Promise<SessionCredentials> | undefined;
  return async () => {
    const known = await session;
    if (known && known.expiration.getTime() - Date.now() > MARGIN_MS) return known;
    const next = begin();
    session = next.catch((error: unknown) => {
      session = undefined;
      throw error;
    });
    return session;
  };

  async function begin(): Promise<SessionCredentials> {
    const call = { action: 'sts:AssumeRole', resource: roleArn } as const;
    const client = new STSClient(clientSettings(region, own));
    try {
      const { Credentials } = await client.send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: SESSION_NAME,
          DurationSeconds: SESSION_SECONDS,
          ...(externalId === undefined ? {} : { ExternalId: externalId }),
        }),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
        throw new VedetteError('AWS_REQUEST_REFUSED', `${call.action} gave no credentials`);
      }
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration,
      };
    } catch (error) {
      throw awsFault(error, call);
    } finally {
      client.destroy();
    }
  }
}
