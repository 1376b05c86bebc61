import { VedetteError } from '../../contract/errors.ts';
import type { OutputConfigOf } from '../../contract/output-config.ts';
import { ModbusClient } from '../../field-io/modbus-client.ts';
import type { SignalLine } from './signal-output.ts';

/** A coil or a holding register, over a connection that is kept while it works. */
export function modbusLine(config: OutputConfigOf<'modbus'>): SignalLine {
  const { table, address } = config;
  let client: ModbusClient | undefined;
  return {
    description: `${table} ${address} of ${config.host}:${config.port}`,
    reach: async (signal) => {
      if (!client?.isOpen) client = await ModbusClient.open(config, signal);
    },
    write: async (value, signal) => {
      if (client === undefined || signal.aborted) {
        throw new VedetteError('FIELD_DEVICE_REFUSED', `${config.host} was not reached in time`);
      }
      await client.ask({ kind: 'write', table, address, value });
      return performance.now();
    },
    close: async () => client?.close(),
  };
}
