import { VedetteError } from '../../contract/errors.ts';
import type { MessageChannel } from '../../contract/message-channel.ts';
import type { OutputConfigOf } from '../../contract/output-config.ts';
import { bodyOf } from './output-body.ts';
import type { OutputPort } from './output-port.ts';

export function mqttOutput(
  { topic }: OutputConfigOf<'mqtt'>,
  channel: MessageChannel | undefined,
): OutputPort {
  return {
    send: async (message) => {
      if (channel === undefined) {
        const what = 'there is neither Greengrass nor `delivery.mqtt`';
        throw new VedetteError('CHANNEL_OFFLINE', `nothing takes messages on ${topic}: ${what}`);
      }
      const payload = Buffer.from(bodyOf(message));
      if (payload.byteLength > channel.maxPayloadBytes) {
        const limit = `${channel.description} takes ${channel.maxPayloadBytes}`;
        throw new VedetteError(
          'MESSAGE_REFUSED',
          `the message has ${payload.byteLength} bytes, ${limit}; send a smaller context`,
        );
      }
      await channel.publish(topic, payload);
      return channel.confirmsReceipt ? 'the broker has it' : `${channel.description} has queued it`;
    },
  };
}
