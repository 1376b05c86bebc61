import type { VedetteError } from './errors.ts';

/** A message that came in. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Kept by the broker from before the subscription. Greengrass does not tell: absent. */
  readonly isRetained?: boolean;
}

export type ChannelListener = (message: IncomingMessage) => void;

export interface Subscription {
  /** It was granted, over the connection of now. */
  readonly isHeard: boolean;
  close(): Promise<void>;
}

/**
 * A way out of the device that takes messages by topic: the proxy of the Greengrass nucleus, or an
 * MQTT broker. It connects by itself, again and again; who uses it need not.
 */
export interface MessageChannel {
  /** For people: `Greengrass` or the address of the broker, without credentials. */
  readonly description: string;
  readonly isConnected: boolean;
  /**
   * A message that `publish` resolved for has reached the broker. Otherwise it was only queued on the
   * way there, and what was sent last may be lost when a connection ends.
   */
  readonly confirmsReceipt: boolean;
  /** Messages of one topic that are given one after another, without waiting, arrive in that order. */
  readonly keepsOrder: boolean;
  /** Bytes that a payload may have. */
  readonly maxPayloadBytes: number;
  /**
   * Sends with QoS 1 unless told otherwise.
   * @throws VedetteError CHANNEL_OFFLINE while there is no connection; CHANNEL_BUSY when it takes no
   * more for now; MESSAGE_REFUSED when it will not take this one, which says nothing of other topics
   */
  publish(topic: string, payload: Uint8Array, qos?: 0 | 1): Promise<void>;
  /**
   * Messages whose topic matches `filter` (MQTT's `+` and `#`), also after every reconnection. Resolves
   * at once when there is no connection yet; each connection asks again, whatever the one before
   * answered. A refusal then is told to `onRefused`, each grant to `onHeard`. Listeners must not throw.
   * @throws VedetteError MESSAGE_REFUSED or CHANNEL_BUSY when the filter is refused now, and is not asked
   * for again
   */
  subscribe(
    filter: string,
    listener: ChannelListener,
    onRefused?: (error: VedetteError) => void,
    onHeard?: () => void,
  ): Promise<Subscription>;
  /** Told of each connection and disconnection from now on. Returns the function that ends it. */
  watch(listener: (isConnected: boolean) => void): () => void;
  close(): Promise<void>;
}
