import { z } from 'zod';
import { VedetteError } from '../../contract/errors.ts';
import type { MessageChannel, Subscription } from '../../contract/message-channel.ts';
import { MAX_TRIGGER_ID_LENGTH } from '../../contract/transaction.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/** A larger message is refused before it is read. */
export const MAX_TRIGGER_BYTES = 65_536;

const messageSchema = z.strictObject({
  id: z.string().min(1).max(MAX_TRIGGER_ID_LENGTH).optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Triggers by messages, also after each reconnection. A message that the broker sends again is a
 * trigger of the same id only where its sender gave it one.
 */
export function openMqttTrigger(
  { topic }: { readonly topic: string },
  channel: MessageChannel,
  listener: TriggerListener,
): TriggerSource {
  let isClosed = false;
  let subscription: Subscription | undefined;
  let asking: Promise<void> | undefined;
  const lose = (error: VedetteError) => {
    if (!isClosed) listener.lost(error);
  };
  const tell = () => {
    if (isClosed) return;
    if (!channel.isConnected) {
      const what = `${channel.description} is not connected`;
      lose(new VedetteError('CHANNEL_OFFLINE', `nothing is heard on ${topic}: ${what}`));
    } else if (subscription?.isHeard) listener.listening();
    else if (subscription === undefined) ask();
  };
  /** What was refused is asked for again over the next connection. */
  const ask = () => {
    asking ??= channel
      .subscribe(
        topic,
        ({ payload, isRetained }) => {
          if (isClosed) return;
          if (isRetained) listener.refuse(retained(topic));
          else take(payload, topic, listener);
        },
        lose,
        tell,
      )
      .then(
        (one) => {
          asking = undefined;
          subscription = one;
          tell();
        },
        (thrown: unknown) => {
          asking = undefined;
          lose(VedetteError.from(thrown, 'MESSAGE_REFUSED'));
        },
      );
  };
  ask();
  const unwatch = channel.watch(tell);
  return {
    close: async () => {
      isClosed = true;
      unwatch();
      // A broker that does not answer does not hold up an end: nothing is heard any more as it is.
      void (asking ?? Promise.resolve())
        .then(() => subscription?.close())
        .catch((thrown: unknown) => listener.refuse(VedetteError.from(thrown, 'CHANNEL_OFFLINE')));
    },
  };
}

/** It comes with each connection, and its part passed before. */
const retained = (topic: string): VedetteError =>
  new VedetteError(
    'REQUEST_INVALID',
    `the broker has retained a message on ${topic} from before; send triggers without the retain flag`,
  );

function take(payload: Uint8Array, topic: string, listener: TriggerListener): void {
  try {
    const { id, context } = read(payload, topic);
    listener.fire({ ...(id === undefined ? {} : { id }), ...(context ? { context } : {}) });
  } catch (thrown) {
    listener.refuse(VedetteError.from(thrown));
  }
}

/** @throws VedetteError REQUEST_INVALID */
function read(payload: Uint8Array, topic: string): z.infer<typeof messageSchema> {
  if (payload.byteLength === 0) return {};
  if (payload.byteLength > MAX_TRIGGER_BYTES) {
    const message = `a message on ${topic} has ${payload.byteLength} bytes, at most ${MAX_TRIGGER_BYTES} are read`;
    throw new VedetteError('REQUEST_INVALID', message);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    throw new VedetteError('REQUEST_INVALID', `a message on ${topic} is not JSON`);
  }
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') || 'the message';
  throw new VedetteError(
    'REQUEST_INVALID',
    `a message on ${topic} is no trigger such as {"id": "7", "context": {}}: ${path}: ${issue?.message}`,
  );
}
