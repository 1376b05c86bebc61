import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';

const ALGORITHM = 'ed25519';

export const signatureSchema = z.strictObject({
  algorithm: z.literal(ALGORITHM),
  /** PEM (SPKI): says whose signature it claims to be, and is trusted for nothing. */
  publicKey: z.string().max(1000),
  signature: z.base64(),
});

export type BundleSignature = z.infer<typeof signatureSchema>;

/** @param pem PKCS #8, as `openssl genpkey -algorithm ed25519` writes it. @throws VedetteError REQUEST_INVALID */
export function signContents(contents: Uint8Array, pem: string): BundleSignature {
  const key = readKey(() => createPrivateKey(pem), 'private');
  return {
    algorithm: ALGORITHM,
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    signature: sign(null, contents, key).toString('base64'),
  };
}

/**
 * @param trusted PEM (SPKI) of the key that is trusted
 * @throws VedetteError BUNDLE_SIGNATURE_UNTRUSTED for another key, BUNDLE_FILE_INVALID when it does
 * not fit the contents, REQUEST_INVALID
 */
export function verifyContents(
  contents: Uint8Array,
  { publicKey, signature }: BundleSignature,
  trusted: string,
): void {
  const key = readKey(() => createPublicKey(trusted), 'public');
  if (publicKey.trim() !== key.export({ type: 'spki', format: 'pem' }).toString().trim()) {
    throw new VedetteError(
      'BUNDLE_SIGNATURE_UNTRUSTED',
      'the file is signed with another key than the trusted one',
    );
  }
  if (verify(null, contents, key, Buffer.from(signature, 'base64'))) return;
  throw new VedetteError(
    'BUNDLE_FILE_INVALID',
    'the signature does not fit the list of contents: the file was changed after it was signed',
  );
}

function readKey(read: () => KeyObject, kind: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `expected a ${kind} ed25519 key in PEM: ${(error as Error).message}`,
      { cause: error },
    );
  }
  if (key.asymmetricKeyType === ALGORITHM) return key;
  throw new VedetteError(
    'REQUEST_INVALID',
    `expected a ${kind} ed25519 key, this one is ${key.asymmetricKeyType}`,
  );
}
