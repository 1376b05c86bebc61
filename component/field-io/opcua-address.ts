import type { SecretReference } from '../contract/config-values.ts';
import type { OpcuaAddress } from './opcua-messages.ts';

export interface OpcuaMeans {
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** The folder of our own certificate and of those that are trusted. */
  readonly certificateFolder: string;
}

type Configured = Omit<OpcuaAddress, 'password' | 'certificateFolder'> & {
  readonly password?: SecretReference | undefined;
};

/** The password is read at each connection, so that a new one needs no restart. */
export async function opcuaAddressOf(
  configured: Configured,
  { readSecret, certificateFolder }: OpcuaMeans,
): Promise<OpcuaAddress> {
  const { endpointUrl, securityMode, securityPolicy, username, timeoutMs } = configured;
  const password = configured.password && (await readSecret(configured.password));
  return {
    ...{ endpointUrl, securityMode, securityPolicy, username, password, timeoutMs },
    certificateFolder,
  };
}
