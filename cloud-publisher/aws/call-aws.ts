import type { STSClientConfig } from '@aws-sdk/client-sts';
import type { AwsAction } from './aws-calls.ts';
import { awsFault } from './aws-fault.ts';

/** How AWS' clients are opened here: throttled calls and lost connections are repeated, with jitter. */
export const clientSettings = (
  region: string | undefined,
  credentials?: NonNullable<STSClientConfig['credentials']>,
) => ({
  ...(region === undefined ? {} : { region }),
  ...(credentials ? { credentials } : {}),
  maxAttempts: 8,
  requestHandler: { connectionTimeout: 10_000, requestTimeout: 30_000 },
});

/** @throws VedetteError that names the call, its resource and what would allow it */
export async function callAws<T>(
  action: AwsAction,
  resource: string,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw awsFault(error, { action, resource });
  }
}

/** For `catch`: nothing there is an answer, not a fault. */
export function unlessAbsent(error: unknown): undefined {
  if ((error as { name?: unknown }).name === 'ResourceNotFoundException') return undefined;
  throw error;
}
