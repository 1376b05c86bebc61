import type { defaultProvider } from '@aws-sdk/credential-provider-node';

/** Keys, and until when they are used before they are asked for again. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Absent of keys that last. */
  readonly sessionToken?: string;
  readonly expiration: Date;
}

/** As AWS' clients take credentials: asked again when they are about to expire, by the client given. */
export type CredentialSource = (
  properties?: Parameters<ReturnType<typeof defaultProvider>>[0],
) => Promise<SessionCredentials>;
