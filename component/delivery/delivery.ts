import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { RuntimeConfig } from '../contract/config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import type { DeliveryStoreConfig } from '../contract/delivery-config.ts';
import type { DeliveryStatus, OutboxSettings } from '../contract/delivery.ts';
import { VedetteError } from '../contract/errors.ts';
import type { MessageChannel } from '../contract/message-channel.ts';
import type { StoredCapture } from '../contract/ports.ts';
import { FolderObjects } from '../object-store/folder-objects.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Registry } from '../registry/registry.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { CaptureUploader } from './capture-uploader.ts';
import { LedgerWriter } from './ledger-writer.ts';
import { MessageSender } from './message-sender.ts';
import { MqttChannel } from './mqtt-channel.ts';

/** On slow lines a file is resumed after so many bytes; S3 takes no smaller parts. */
const PART_BYTES = 5 * 1024 * 1024;

/** Longest wait for what is under way at the end, in milliseconds. */
const CLOSE_MS = 500;

interface Faults {
  warn(key: string, fields: Record<string, unknown>, message: string): void;
}

/** The ways out of the device that the configuration opens. */
export interface DeliveryWays {
  readonly channel: MessageChannel | undefined;
  /** Whether `channel` was opened here and is to be closed here. */
  readonly ownsChannel: boolean;
  readonly store: ObjectStore | undefined;
}

/**
 * @param greengrass the nucleus, where the runtime is its component
 * @throws VedetteError SECRET_UNAVAILABLE, CONFIG_INVALID
 */
export async function openDeliveryWays(
  config: RuntimeConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
  faults: Faults,
  greengrass: MessageChannel | undefined,
): Promise<DeliveryWays> {
  const { mqtt, messages, store } = config.delivery;
  const opened = store && (await openStore(store));
  if (!messages.isEnabled || mqtt === undefined) {
    const channel = messages.isEnabled ? greengrass : undefined;
    return { channel, ownsChannel: false, store: opened };
  }
  const password = mqtt.password && (await readSecret(mqtt.password));
  const channel = await MqttChannel.open({
    url: mqtt.url,
    clientId: mqtt.clientId ?? config.thing,
    will: {
      topic: `vedette/${config.thing}/health`,
      payload: JSON.stringify({ schemaVersion: 1, thing: config.thing, availability: 'lost' }),
    },
    ...(mqtt.username === undefined ? {} : { username: mqtt.username }),
    ...(password === undefined ? {} : { password }),
    ...(mqtt.caFile === undefined ? {} : { ca: await readAuthorities(mqtt.caFile) }),
    onFault: (error) => faults.warn(`mqtt/${error.code}`, { error }, 'the broker is away'),
  });
  return { channel, ownsChannel: true, store: opened };
}

/** What the registry has to keep for these ways; nothing when there are none. */
export function outboxSettings(
  config: RuntimeConfig,
  { channel, store }: DeliveryWays,
): OutboxSettings | undefined {
  const { delivery, thing } = config;
  const hasLedger = store !== undefined && delivery.ledger.isEnabled;
  const uploadsCaptures = store !== undefined && delivery.captures.isEnabled;
  if (channel === undefined && !hasLedger && !uploadsCaptures) return undefined;
  const deliversMessages = channel !== undefined || hasLedger;
  return {
    thing,
    results: deliversMessages ? delivery.results : 'none',
    cameras: deliversMessages
      ? Object.fromEntries(
          Object.entries(delivery.cameras).map(([camera, { results }]) => [camera, results]),
        )
      : {},
    maxBytes: delivery.maxBytes,
    sendsMessages: channel !== undefined,
    timeToLiveMs: delivery.messages.timeToLiveSeconds * 1000,
    hasLedger,
    hasAcknowledgements:
      channel !== undefined && delivery.messages.acknowledgementTopic !== undefined,
    uploadsCaptures,
  };
}

export interface DeliveryOptions {
  readonly config: RuntimeConfig;
  readonly registry: Registry;
  readonly ways: DeliveryWays;
  readonly faults: Faults;
  readonly fileOf: (capture: StoredCapture) => string;
}

/** Everything that takes results, events and captures off the device. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #sender: MessageSender | undefined;
  readonly #acknowledgements: Acknowledgements | undefined;
  readonly #ledger: LedgerWriter | undefined;
  readonly #uploader: CaptureUploader | undefined;
  readonly #problems = new Map<string, VedetteError>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { config, registry, ways, faults, fileOf } = options;
    const { thing, delivery } = config;
    const { channel, store } = ways;
    if (channel !== undefined) {
      const { profile, acknowledgementTopic: topic } = delivery.messages;
      const sender = new MessageSender({ channel, registry, profile, faults });
      this.#sender = sender;
      if (topic !== undefined) {
        this.#acknowledgements = new Acknowledgements({ topic, channel, sender, registry, faults });
      }
    }
    if (store === undefined) return;
    const onProblem = (of: string) => (error: VedetteError | undefined) => this.#note(of, error);
    const { ledger, captures } = delivery;
    if (ledger.isEnabled) {
      const own = { registry, store, thing, ledger, onProblem: onProblem('the ledger') };
      this.#ledger = new LedgerWriter(own);
    }
    if (captures.isEnabled) {
      const own = { registry, store, thing, captures, fileOf, onProblem: onProblem('captures') };
      this.#uploader = new CaptureUploader(own);
    }
  }

  start(): void {
    this.#sender?.start();
    void this.#acknowledgements?.start();
    this.#ledger?.start();
    this.#uploader?.start();
  }

  /** Something was added to the outbox. */
  wake(): void {
    this.#sender?.wake();
  }

  /** The way that messages take, if they take any. */
  get channel(): MessageChannel | undefined {
    return this.#options.ways.channel;
  }

  /**
   * Puts a capture into the store now. @throws VedetteError REQUEST_INVALID when captures are not put
   * anywhere; NOT_FOUND, and as ObjectStore
   */
  async uploadCapture(capture: StoredCapture): Promise<{ key: string; byteLength: number }> {
    if (this.#uploader) return this.#uploader.uploadNow(capture);
    throw new VedetteError(
      'REQUEST_INVALID',
      'captures of this device are not uploaded: it needs delivery.store, with delivery.captures.isEnabled',
    );
  }

  async status(): Promise<DeliveryStatus> {
    const { registry, ways } = this.#options;
    const { channel, store } = ways;
    const outbox = await registry.outboxStatistics();
    const [problem] = this.#problems.values();
    return {
      isEnabled: outboxSettings(this.#options.config, ways) !== undefined,
      ...outbox,
      ...(channel && this.#sender
        ? {
            channel: {
              description: channel.description,
              isConnected: channel.isConnected,
              ...this.#sender.statistics,
            },
          }
        : {}),
      ...(store
        ? {
            store: {
              description: store.description,
              capturesUploaded: this.#uploader?.uploaded ?? 0,
              ...(problem ? { problem: problem.message } : {}),
            },
          }
        : {}),
    };
  }

  /** Ends what is under way; what waits is sent by the next process. */
  async close(): Promise<void> {
    const { channel, ownsChannel, store } = this.#options.ways;
    const closing = [this.#acknowledgements, this.#sender, this.#ledger, this.#uploader];
    // A call to a store may take minutes: what it was about is done again by the next process.
    const ended = Promise.all(closing.map(async (one) => one?.close()));
    await Promise.race([ended, pause(CLOSE_MS, undefined, { ref: false })]);
    store?.close();
    if (ownsChannel) await channel?.close();
  }

  #note(of: string, error: VedetteError | undefined): void {
    if (error === undefined) {
      this.#problems.delete(of);
      return;
    }
    this.#problems.set(of, error);
    const text = `${of} cannot be stored now; it is tried again`;
    this.#options.faults.warn(`store/${of}/${error.code}`, { error }, text);
  }
}

async function openStore(store: DeliveryStoreConfig): Promise<ObjectStore> {
  if (store.kind === 'folder') return new FolderObjects(store.path);
  // Loaded by who needs it alone: it is large.
  const { S3Objects, openS3 } = await import('../object-store/s3-objects.ts');
  const { bucket, region } = store;
  const prefix = store.prefix.replaceAll(/^\/+|\/+$/g, '');
  return new S3Objects({ client: openS3(region), bucket, prefix, partBytes: PART_BYTES });
}

async function readAuthorities(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new VedetteError('CONFIG_INVALID', `delivery.mqtt.caFile: cannot read ${file}`, {
      cause,
    });
  }
}
