import { refusalOf, signerOf } from './credentials.ts';
import type { EmulatedKeys } from './credentials.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';

export const ACCOUNT_ID = '123456789012';

/** A role that may be taken on by who gives its external id. */
export const ROLE = {
  arn: 'arn:aws:iam::210987654321:role/Publisher',
  externalId: 'line-3',
  accessKey: 'ASIAROLE',
} as const;

/** GetCallerIdentity and AssumeRole, in STS' query protocol. */
export class EmulatedSts extends LoopbackServer {
  readonly #keys: EmulatedKeys;

  constructor(keys: EmulatedKeys) {
    super();
    this.#keys = keys;
  }

  protected operationOf({ body }: EmulatedRequest): string {
    return `sts:${new URLSearchParams(body.toString()).get('Action')}`;
  }

  protected handle({ headers, operation, body }: EmulatedRequest): EmulatedAnswer {
    const refusal = refusalOf(this.#keys, signerOf(headers['authorization']), operation);
    if (refusal === 'expired')
      return failure(403, 'ExpiredToken', 'The security token included in the request is expired');
    if (refusal === 'denied')
      return failure(403, 'AccessDenied', `User is not authorized to perform: ${operation}`);
    if (refusal !== undefined)
      return failure(
        403,
        'InvalidClientTokenId',
        'The security token included in the request is invalid.',
      );
    if (operation === 'sts:AssumeRole') return this.#assume(new URLSearchParams(body.toString()));
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${ACCOUNT_ID}:user/publisher</Arn><UserId>AIDA</UserId><Account>${ACCOUNT_ID}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    };
  }

  #assume(query: URLSearchParams): EmulatedAnswer {
    const isKnown =
      query.get('RoleArn') === ROLE.arn && query.get('ExternalId') === ROLE.externalId;
    if (!isKnown) {
      const what = `User is not authorized to perform: sts:AssumeRole on ${query.get('RoleArn')}`;
      return failure(403, 'AccessDenied', what);
    }
    this.#keys.set(ROLE.accessKey, { state: 'valid', denied: new Set() });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${ROLE.accessKey}</AccessKeyId><SecretAccessKey>emulated</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    };
  }
}

const failure = (status: number, code: string, message: string): EmulatedAnswer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
});
