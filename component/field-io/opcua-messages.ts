import type { SerializedError } from '../contract/errors.ts';

/** What the thread is told to connect to; the password is in no log and no error. */
export interface OpcuaAddress {
  readonly endpointUrl: string;
  readonly securityMode: 'none' | 'sign' | 'sign-and-encrypt';
  readonly securityPolicy: 'Basic256Sha256' | 'Aes128_Sha256_RsaOaep' | 'Aes256_Sha256_RsaPss';
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly timeoutMs: number;
  /** The folder of our own certificate and of those that are trusted. */
  readonly certificateFolder: string;
}

export type OpcuaRequest =
  | { readonly kind: 'open'; readonly address: OpcuaAddress }
  | { readonly kind: 'watch'; readonly nodeId: string; readonly samplingMs: number }
  | { readonly kind: 'read'; readonly nodeId: string }
  | { readonly kind: 'write'; readonly nodeId: string; readonly value: number }
  | { readonly kind: 'close' };

/** To the thread; `connection` is a number that the asking side gives each. */
export interface OpcuaCall {
  readonly id: number;
  readonly connection: number;
  readonly request: OpcuaRequest;
}

export type OpcuaValue = number | string;

/** From the thread. */
export type OpcuaReport =
  | { readonly kind: 'answer'; readonly id: number; readonly value?: OpcuaValue }
  | { readonly kind: 'error'; readonly id: number; readonly error: SerializedError }
  /** Of the node that is watched. */
  | { readonly kind: 'value'; readonly connection: number; readonly value: OpcuaValue }
  /** The server has no good value of it now. */
  | { readonly kind: 'no-value'; readonly connection: number; readonly error: SerializedError }
  /** The connection is of no more use. */
  | { readonly kind: 'lost'; readonly connection: number; readonly error: SerializedError };
