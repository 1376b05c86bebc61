import { VedetteError } from '../../contract/errors.ts';
import { ipcAddress } from '../../greengrass/ipc-address.ts';
import { IpcConnection } from '../../greengrass/ipc-connection.ts';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('nucleus');
const TIMEOUT_MS = 5000;

/** Whether the nucleus takes the component's token and answers, over a connection of its own. */
export const checkNucleus: Check = async ({ context, environment, running }) => {
  const isComponent = context.greengrass.home !== undefined || environment['SVCUID'] !== undefined;
  if (!isComponent) return [results.skipped('It does not run as a Greengrass component')];
  if (!running)
    return [results.skipped('The runtime does not run: only it knows where the nucleus is')];
  if (Object.keys(environment).length === 0) {
    return [
      results.skipped('The environment of the runtime may be read by its user and root only'),
    ];
  }
  const version = environment['GGC_VERSION'] ?? 'of an unknown version';
  const startedAtMs = performance.now();
  let connection: IpcConnection | undefined;
  try {
    connection = await IpcConnection.open(ipcAddress(environment), TIMEOUT_MS);
    await connection.configuration();
    const ms = Math.round(performance.now() - startedAtMs);
    return [results.ok(`The nucleus (${version}) takes the token and answers in ${ms} ms`)];
  } catch (thrown) {
    const { message, remedy, code } = VedetteError.from(thrown);
    return [
      results.fault(`The nucleus (${version}) does not answer: ${message}`, remedy, { code }),
    ];
  } finally {
    await connection?.close();
  }
};
