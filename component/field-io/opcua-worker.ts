import { parentPort } from 'node:worker_threads';
import { setDebugLogger, setErrorLogger, setWarningLogger } from 'node-opcua-client';
import { VedetteError } from '../contract/errors.ts';
import { OpcuaConnection } from './opcua-connection.ts';
import type { OpcuaCall, OpcuaReport, OpcuaValue } from './opcua-messages.ts';

/** The thread that node-opcua lives in: it takes half a second to load, and 70 MB. */
const port = parentPort!;
// What it prints would stand between our log lines; what fails is thrown, too.
for (const set of [setDebugLogger, setErrorLogger, setWarningLogger]) set(() => {});
const connections = new Map<number, Promise<OpcuaConnection>>();
const tell = (report: OpcuaReport): void => port.postMessage(report);

port.on('message', (call: OpcuaCall) => {
  answer(call).then(
    (value) => tell({ kind: 'answer', id: call.id, ...(value === undefined ? {} : { value }) }),
    (thrown: unknown) => {
      const error = VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE').serialize();
      tell({ kind: 'error', id: call.id, error });
    },
  );
});

async function answer({ connection, request }: OpcuaCall): Promise<OpcuaValue | undefined> {
  const lose = (error: VedetteError) =>
    tell({ kind: 'lost', connection, error: error.serialize() });
  if (request.kind === 'open') {
    const opening = OpcuaConnection.open(request.address, lose);
    connections.set(connection, opening);
    await opening;
    return undefined;
  }
  const opened = connections.get(connection);
  if (request.kind === 'close') {
    connections.delete(connection);
    await opened?.then(
      (one) => one.close(),
      () => {},
    );
    return undefined;
  }
  if (opened === undefined) throw new VedetteError('FIELD_DEVICE_OFFLINE', 'it was closed');
  const one = await opened;
  if (request.kind === 'read') return one.read(request.nodeId);
  if (request.kind === 'write') {
    await one.write(request.nodeId, request.value);
    return undefined;
  }
  await one.watch(request.nodeId, request.samplingMs, (value) => {
    if (value instanceof VedetteError)
      tell({ kind: 'no-value', connection, error: value.serialize() });
    else tell({ kind: 'value', connection, value });
  });
  return undefined;
}
