import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { CredentialSource } from './credential-source.ts';

/** How old keys of a file may be when they are used. */
const MAX_AGE_MS = 1000;

/**
 * Credentials from where AWS' own tools take them, for a process that lives longer than they do: AWS'
 * clients read a file once and keep keys that have no end for ever. Here the file is read again, so
 * that keys that somebody renewed in it hold without a restart.
 */
export function renewedCredentials(): CredentialSource {
  let provider = defaultProvider({ ignoreCache: true });
  let readAtMs = Number.NEGATIVE_INFINITY;
  return async (properties) => {
    const now = Date.now();
    if (now - readAtMs > MAX_AGE_MS) {
      provider = defaultProvider({ ignoreCache: true });
      readAtMs = now;
    }
    const found = await provider(properties);
    // Those of a session say when they end, and their provider renews them itself.
    if (found.expiration !== undefined) readAtMs = Number.POSITIVE_INFINITY;
    const expiration = found.expiration ?? new Date(readAtMs + MAX_AGE_MS);
    return { ...found, expiration };
  };
}
