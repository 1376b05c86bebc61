import { VedetteError } from '../../contract/errors.ts';
import type { OutputConfigOf } from '../../contract/output-config.ts';
import { opcuaAddressOf, type OpcuaMeans } from '../../field-io/opcua-address.ts';
import { OpcuaLink } from '../../field-io/opcua-link.ts';
import type { SignalLine } from './signal-output.ts';

/** A node of an OPC UA server, over a session that is kept while it works. */
export function opcuaLine(config: OutputConfigOf<'opcua'>, means: OpcuaMeans): SignalLine {
  const { nodeId, endpointUrl } = config;
  let link: OpcuaLink | undefined;
  return {
    description: `${nodeId} of ${endpointUrl}`,
    reach: async (signal) => {
      if (!link?.isOpen) {
        await link?.close();
        link = undefined;
        link = await OpcuaLink.open(await opcuaAddressOf(config, means), signal);
      }
    },
    write: async (value, signal) => {
      if (link === undefined || signal.aborted) {
        throw new VedetteError('FIELD_DEVICE_REFUSED', `${endpointUrl} was not reached in time`);
      }
      await link.write(nodeId, value);
      return performance.now();
    },
    close: async () => link?.close(),
  };
}
