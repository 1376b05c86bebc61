import pino from 'pino';
import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import type { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import type { Personality } from '../../support/nucleus/personality.ts';

export const THING = 'station-7';
export const silent = pino({ level: 'silent' });

/** A component's channel through a nucleus. */
export async function openChannel(
  personality: Personality,
  broker: MqttBroker,
): Promise<{
  readonly nucleus: EmulatedNucleus;
  readonly channel: IpcChannel;
  readonly close: () => Promise<void>;
}> {
  const nucleus = await EmulatedNucleus.start(personality, {}, broker);
  const { socketFile, token: authToken } = nucleus;
  const connection = await IpcConnection.open({ socketFile, authToken });
  const channel = new IpcChannel();
  await channel.attach(connection);
  const close = async () => {
    await channel.close();
    await connection.close();
    await nucleus.close();
  };
  return { nucleus, channel, close };
}
