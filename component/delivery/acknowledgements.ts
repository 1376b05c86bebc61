import { parseOrNothing } from '../configuration/parse-or-nothing.ts';
import { acknowledgementSchema } from '../contract/delivery.ts';
import { VedetteError } from '../contract/errors.ts';
import type { IncomingMessage, MessageChannel, Subscription } from '../contract/message-channel.ts';
import type { Registry } from '../registry/registry.ts';
import type { MessageSender } from './message-sender.ts';

const LOOK_MS = 5000;
/** Without a word of the receiver for so long everything that it did not confirm is sent again. */
const FIRST_PATIENCE_MS = 60_000;
const LONGEST_PATIENCE_MS = 3_600_000;
const MAX_BYTES = 4096;

export interface AcknowledgementsOptions {
  readonly topic: string;
  readonly channel: MessageChannel;
  readonly sender: Pick<MessageSender, 'isIdle' | 'sendAgain'>;
  readonly registry: Pick<Registry, 'acknowledgeMessages' | 'outboxState'>;
  readonly faults: {
    warn(key: string, fields: Record<string, unknown>, message: string): void;
  };
  readonly firstPatienceMs?: number;
}

/** Hears what a receiver has, and sends again what it does not confirm. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #heard = new Map<string, { atMs: number; patienceMs: number }>();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { channel, topic } = this.#options;
    const lookMs = Math.min(LOOK_MS, this.#options.firstPatienceMs ?? LOOK_MS);
    this.#timer = setInterval(() => void this.#look(), lookMs);
    const refused = (error: VedetteError) => this.#warn(error, 'acknowledgements cannot be heard');
    try {
      this.#subscription = await channel.subscribe(topic, (one) => void this.#hear(one), refused);
    } catch (thrown) {
      refused(VedetteError.from(thrown));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#subscription?.close().catch(() => undefined);
  }

  async #hear({ payload }: IncomingMessage): Promise<void> {
    const parsed = acknowledgementSchema.safeParse(
      payload.length > MAX_BYTES ? undefined : parseOrNothing(Buffer.from(payload).toString()),
    );
    if (!parsed.success) {
      const message = `An acknowledgement must be { "camera": …, "sequence": … } of at most ${MAX_BYTES} bytes`;
      this.#warn(
        new VedetteError('REQUEST_INVALID', message),
        'an acknowledgement is not understood',
      );
      return;
    }
    const { camera } = parsed.data;
    // Only of cameras that wait for one: anybody may publish any name.
    if (this.#heard.has(camera)) {
      this.#heard.set(camera, { atMs: performance.now(), patienceMs: this.#firstPatienceMs });
    }
    try {
      await this.#options.registry.acknowledgeMessages(parsed.data);
    } catch (thrown) {
      // The receiver's next one covers it, or the messages are sent once more.
      this.#warn(VedetteError.from(thrown), 'an acknowledgement could not be kept');
    }
  }

  async #look(): Promise<void> {
    const { sender, channel, registry } = this.#options;
    if (!channel.isConnected || !sender.isIdle) return;
    try {
      const { streams } = await registry.outboxState();
      const cameras = new Set(streams.filter(({ rows }) => rows > 0).map(({ camera }) => camera));
      for (const camera of cameras) this.#consider(camera);
      for (const camera of this.#heard.keys()) if (!cameras.has(camera)) this.#heard.delete(camera);
    } catch (thrown) {
      this.#warn(VedetteError.from(thrown), 'the outbox cannot be read');
    }
  }

  #consider(camera: string): void {
    const nowMs = performance.now();
    const heard = this.#heard.get(camera);
    if (heard === undefined) {
      this.#heard.set(camera, { atMs: nowMs, patienceMs: this.#firstPatienceMs });
    } else if (nowMs - heard.atMs > heard.patienceMs) {
      this.#options.sender.sendAgain(camera);
      const patienceMs = Math.min(heard.patienceMs * 2, LONGEST_PATIENCE_MS);
      this.#heard.set(camera, { atMs: nowMs, patienceMs });
    }
  }

  get #firstPatienceMs(): number {
    return this.#options.firstPatienceMs ?? FIRST_PATIENCE_MS;
  }

  #warn(error: VedetteError, message: string): void {
    this.#options.faults.warn(`acknowledgement/${error.code}`, { error }, message);
  }
}
