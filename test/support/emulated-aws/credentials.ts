/** Access keys that the emulated services know, and what they may not do. */
export interface EmulatedKey {
  readonly state: 'valid' | 'expired';
  /** Operations that are denied, such as `s3:PutObject`. */
  readonly denied: Set<string>;
}

export type EmulatedKeys = Map<string, EmulatedKey>;

export interface Signed {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/** Who signed a request and for where, from its SigV4 header. The signature itself is taken on trust. */
export function signerOf(authorization: string | undefined): Signed | undefined {
  const scope = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    authorization ?? '',
  );
  if (!scope) return undefined;
  return { accessKeyId: scope[1]!, region: scope[2]!, service: scope[3]! };
}

export type Refusal = 'missing' | 'unknown' | 'expired' | 'denied';

export function refusalOf(
  keys: EmulatedKeys,
  signer: Signed | undefined,
  operation: string,
): Refusal | undefined {
  if (!signer) return 'missing';
  const key = keys.get(signer.accessKeyId);
  if (!key) return 'unknown';
  if (key.state === 'expired') return 'expired';
  return key.denied.has(operation) ? 'denied' : undefined;
}
