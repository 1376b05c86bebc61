import { refusalOf, signerOf } from './credentials.ts';
import type { EmulatedKeys } from './credentials.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';

export const ACCOUNT_ID = '123456789012';

/** GetCallerIdentity, in STS' query protocol. */
export class EmulatedSts extends LoopbackServer {
  readonly #keys: EmulatedKeys;

  constructor(keys: EmulatedKeys) {
    super();
    this.#keys = keys;
  }

  protected operationOf({ body }: EmulatedRequest): string {
    return `sts:${new URLSearchParams(body.toString()).get('Action')}`;
  }

  protected handle({ headers, operation }: EmulatedRequest): EmulatedAnswer {
    const refusal = refusalOf(this.#keys, signerOf(headers['authorization']), operation);
    if (refusal === 'expired')
      return failure(403, 'ExpiredToken', 'The security token included in the request is expired');
    if (refusal !== undefined)
      return failure(
        403,
        'InvalidClientTokenId',
        'The security token included in the request is invalid.',
      );
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${ACCOUNT_ID}:user/publisher</Arn><UserId>AIDA</UserId><Account>${ACCOUNT_ID}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    };
  }
}

const failure = (status: number, code: string, message: string): EmulatedAnswer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
});
