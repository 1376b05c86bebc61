import { refusalOf, signerOf } from './credentials.ts';
import type { EmulatedKeys } from './credentials.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';

/** Answers of a service that speaks restJson1. */
export const json = (status: number, value: object): EmulatedAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

export const fault = (status: number, type: string, message: string): EmulatedAnswer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
  body: JSON.stringify({ message }),
});

export const invalid = (message: string): EmulatedAnswer =>
  fault(400, 'ValidationException', message);

export const absent = (what: string): EmulatedAnswer =>
  fault(404, 'ResourceNotFoundException', `${what} was not found`);

export const conflict = (
  resourceId: string,
  message: string,
  resourceType = 'component',
): EmulatedAnswer => ({
  ...fault(409, 'ConflictException', message),
  body: JSON.stringify({ message, resourceId, resourceType }),
});

/** A page of a list, as `maxResults` and `nextToken` ask for it. */
export function page(
  name: string,
  all: readonly unknown[],
  query: URLSearchParams,
  maxSize = 100,
): EmulatedAnswer {
  const size = Number(query.get('maxResults') ?? maxSize);
  if (!Number.isInteger(size) || size < 1 || size > maxSize)
    return invalid('maxResults is invalid');
  const token = query.get('nextToken');
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64').toString());
  const end = start + size;
  const next = end < all.length ? { nextToken: Buffer.from(String(end)).toString('base64') } : {};
  return json(200, { [name]: all.slice(start, end), ...next });
}

/** Why a signed request is not answered: credentials, rights or the wrong region. */
export function refusal(
  { headers, operation }: EmulatedRequest,
  keys: EmulatedKeys,
  region: string,
): EmulatedAnswer | undefined {
  const signer = signerOf(headers['authorization']);
  switch (refusalOf(keys, signer, operation)) {
    case 'missing':
      return fault(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
    case 'unknown':
      return fault(
        403,
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      );
    case 'expired':
      return fault(
        403,
        'ExpiredTokenException',
        'The security token included in the request is expired',
      );
    case 'denied':
      return fault(403, 'AccessDeniedException', `User is not authorized to perform: ${operation}`);
    case undefined:
      return signer?.region === region
        ? undefined
        : fault(403, 'InvalidSignatureException', 'Credential should be scoped to a valid region.');
  }
}
