import { VedetteError } from '../../contract/errors.ts';
import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import { opcuaAddressOf, type OpcuaMeans } from '../../field-io/opcua-address.ts';
import { OpcuaLink } from '../../field-io/opcua-link.ts';
import type { OpcuaValue } from '../../field-io/opcua-messages.ts';
import { EdgeWatch } from './edge-watch.ts';
import { keepConnected } from './keep-connected.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/** Triggers by the value of a node, which the server tells when it changes. */
export function openOpcuaTrigger(
  config: TriggerConfigOf<'opcua'>,
  listener: TriggerListener,
  means: OpcuaMeans,
): TriggerSource {
  const { nodeId, samplingMs, productNodeId } = config;
  const edges = new EdgeWatch(config.edge, config.holdOffMs);
  return keepConnected(listener, async (signal, listening) => {
    edges.lose();
    const readProduct = async (from: string) => {
      const product = String((await link.read(from)) ?? '');
      return product === '' ? {} : { product };
    };
    const take = (value: OpcuaValue | VedetteError) => {
      if (value instanceof VedetteError) {
        edges.lose();
        return listener.lost(value);
      }
      if (typeof value === 'string') {
        const message = `node ${nodeId} holds text; edges are of numbers and Booleans`;
        return listener.refuse(new VedetteError('FIELD_DEVICE_REFUSED', message));
      }
      // A value that came while it was still being set up is where the signal stands.
      listening();
      if (signal.aborted || !edges.see(value)) return;
      listener.fire(productNodeId === undefined ? {} : { arriving: readProduct(productNodeId) });
    };
    const link = await OpcuaLink.open(await opcuaAddressOf(config, means), signal, take);
    const stop = Promise.withResolvers<void>();
    const end = () => stop.resolve();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      const over = Promise.race([stop.promise, link.lost]);
      const lost = await Promise.race([link.watch(nodeId, samplingMs).then(() => over), over]);
      if (lost) throw lost;
    } finally {
      signal.removeEventListener('abort', end);
      await link.close();
    }
  });
}
