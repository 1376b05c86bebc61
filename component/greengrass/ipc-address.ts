import { VedetteError } from '../contract/errors.ts';
import type { IpcAddress } from './ipc-client.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the nucleus is, from what it put into the environment.
 * @throws VedetteError GREENGRASS_ABSENT
 */
export function ipcAddress(environment: Environment): IpcAddress {
  const socketFile = environment['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'];
  const authToken = environment['SVCUID'];
  if (!socketFile || !authToken) {
    const missing = socketFile ? 'SVCUID' : 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
    throw new VedetteError(
      'GREENGRASS_ABSENT',
      `The environment has no ${missing}, which the nucleus gives to components`,
    );
  }
  return { socketFile, authToken };
}
