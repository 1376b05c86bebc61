import { pause } from '../../camera/pause.ts';
import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import { ModbusClient } from '../../field-io/modbus-client.ts';
import { EdgeWatch } from './edge-watch.ts';
import { keepConnected } from './keep-connected.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

type ModbusTriggerConfig = TriggerConfigOf<'modbus'>;

/** Triggers by a coil, an input or a register of a PLC, which is asked again and again. */
export function openModbusTrigger(
  config: ModbusTriggerConfig,
  listener: TriggerListener,
): TriggerSource {
  const { table, address, pollMs, productFrom } = config;
  const edges = new EdgeWatch(config.edge, config.holdOffMs);
  return keepConnected(listener, async (signal, listening) => {
    edges.lose();
    const client = await ModbusClient.open(config, signal);
    const stop = () => client.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const [value = 0] = await client.ask({ kind: 'read', table, address, count: 1 });
        listening();
        if (edges.see(valueOf(config, value))) {
          const arriving = productFrom && readProduct(client, productFrom);
          listener.fire(arriving ? { arriving } : {});
          // One request at a time. Who triggered is told of a refusal; the next edge may do better.
          await arriving?.catch((thrown: unknown) => {
            if (!client.isOpen) throw thrown;
          });
        }
        await pause(pollMs, signal);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      client.close();
    }
  });
}

const valueOf = ({ bit }: ModbusTriggerConfig, value: number): number =>
  bit === undefined ? value : (value >> bit) & 1;

/** A number of one or two words, the high one first, or text of two characters a word. */
async function readProduct(
  client: ModbusClient,
  { address, registers: count, as }: NonNullable<ModbusTriggerConfig['productFrom']>,
): Promise<{ readonly product?: string }> {
  const words = await client.ask({ kind: 'read', table: 'holding-register', address, count });
  if (as === 'number') {
    return { product: String(words.reduce((sum, word) => sum * 65_536 + word, 0)) };
  }
  const bytes = Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end < 0 ? undefined : end).trim();
  return text === '' ? {} : { product: text };
}
