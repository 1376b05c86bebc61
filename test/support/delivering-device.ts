import type { PayloadProfile } from '../../component/contract/delivery-config.ts';
import type { OutboxSettings } from '../../component/contract/delivery.ts';
import type { MessageChannel } from '../../component/contract/message-channel.ts';
import { MessageSender } from '../../component/delivery/message-sender.ts';
import type { MessageSenderOptions } from '../../component/delivery/message-sender.ts';
import { Registry } from '../../component/registry/registry.ts';
import { sampleResult, type Sample } from '../integration/registry/sample-result.ts';
import { temporaryFolder } from '../integration/registry/temporary-registry.ts';
import { everything } from './delivery-parts.ts';

/** A registry whose outbox is sent through a channel. */
export interface DeliveringDevice {
  readonly registry: Registry;
  readonly sender: MessageSender;
  append(sample: Sample): Promise<void>;
  /** As when the process ends without a chance to write anything down, and starts again. */
  close(): Promise<void>;
}

export type DeviceOptions = [
  channel: MessageChannel,
  settings?: Partial<OutboxSettings>,
  folder?: string,
  profile?: PayloadProfile,
  /** What the sender sees of the registry, when not all of it as it is. */
  view?: (registry: Registry) => MessageSenderOptions['registry'],
];

export async function openDeliveringDevice(
  closing: (() => Promise<unknown>)[],
  ...[channel, settings = {}, folder, profile = 'full', view = (one) => one]: DeviceOptions
): Promise<DeliveringDevice> {
  const dataFolder = folder ?? (await temporaryFolder());
  const sending: { sender?: MessageSender } = {};
  const registry = await Registry.open({
    dataFolder,
    outbox: { ...everything, ...settings },
    onNotice: () => undefined,
    onOutbox: () => sending.sender?.wake(),
  });
  const sender = new MessageSender({
    channel,
    registry: view(registry),
    profile,
    faults: { warn: () => undefined },
  });
  sending.sender = sender;
  sender.start();
  const close = async (): Promise<void> => {
    await sender.close();
    await registry.close();
  };
  closing.push(close);
  return {
    registry,
    sender,
    append: async (sample) => {
      await registry.appendResult(sampleResult(sample), { durability: 'stream' });
    },
    close,
  };
}

/** Rows of the outbox. */
export const waiting = async ({ registry }: DeliveringDevice): Promise<number> => {
  const { waiting: rows } = await registry.outboxStatistics();
  return rows.alarms + rows.others;
};
