import { setImmediate } from 'node:timers/promises';
import type { createClient } from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc.js';
import type {
  ConfigurationValidityStatus,
  QOS,
  ReportedLifecycleState,
} from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc/model.js';
import { VedetteError } from '../contract/errors.ts';
import type { ChannelListener, Subscription } from '../contract/message-channel.ts';
import { settledWithin } from '../timing/settled-within.ts';
import { ipcError } from './ipc-error.ts';

type Client = ReturnType<typeof createClient>;
export type ConfigurationValues = Record<string, unknown>;

/** Where the nucleus listens and what it knows this component by: both from the environment it gives. */
export interface IpcAddress {
  readonly socketFile: string;
  readonly authToken: string;
}

export interface ConfigurationProposal {
  readonly deploymentId: string;
  readonly values: ConfigurationValues;
}

/** A deployment wants to update components. */
export interface UpdateProposal {
  readonly deploymentId: string;
}

export interface UpdateDeferral extends UpdateProposal {
  /** The nucleus asks again after so many milliseconds; 0 lets the update come. */
  readonly recheckAfterMs: number;
  readonly message?: string;
}

/** The nucleus answers in milliseconds; longer means that it never will. */
const CALL_TIMEOUT_MS = 10_000;
/** What is closed is gone for this process, whether the nucleus says so or not, in milliseconds. */
const CLOSE_MS = 500;

/**
 * One connection to the nucleus, for the life of the process: connecting anew for each call leaks
 * memory in the nucleus. Every call ends: the SDK leaves those open that were under way when a
 * connection broke.
 */
export class IpcConnection {
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly #lost: AbortController;
  readonly #streams = new Set<{ close(): Promise<void> }>();

  private constructor(client: Client, timeoutMs: number, lost: AbortController) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#lost = lost;
  }

  /** @throws VedetteError GREENGRASS_UNAVAILABLE, GREENGRASS_TIMEOUT */
  static async open(address: IpcAddress, timeoutMs = CALL_TIMEOUT_MS): Promise<IpcConnection> {
    // Loaded here alone: it takes 0.1 s and starts `ldd`, which runs outside Greengrass need not pay.
    const sdk = await import('aws-iot-device-sdk-v2/dist/greengrasscoreipc.js');
    const { socketFile, authToken } = address;
    const config = sdk.createDefaultClientConfig();
    const client = sdk.createClient({
      ...config,
      hostName: socketFile,
      // The SDK's own reads the environment, which only main.ts does here.
      connectTransform: async ({ message }) => ({
        ...message,
        payload: JSON.stringify({ authToken }),
      }),
    });
    const lost = new AbortController();
    client.on('disconnection', () => lost.abort());
    const connection = new IpcConnection(client, timeoutMs, lost);
    try {
      await connection.#call('Connect', () => client.connect());
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  /** Aborted when the connection ended, whoever ended it. It never comes back. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The whole configuration of this component, without what it may access. */
  async configuration(): Promise<ConfigurationValues> {
    const { value } = await this.#call('GetConfiguration', () =>
      this.#client.getConfiguration({ keyPath: [] }),
    );
    const { accessControl: _, ...values } = (value ?? {}) as ConfigurationValues;
    return values;
  }

  /** Calls `listener` when something in the configuration changed, or the subscription ended. */
  async watchConfiguration(listener: () => void): Promise<void> {
    const stream = this.#client.subscribeToConfigurationUpdate({ keyPath: [] });
    stream.on('message', listener);
    await this.#activate('SubscribeToConfigurationUpdate', stream);
    stream.on('ended', listener);
  }

  /**
   * Asks `judge` before a deployment changes the configuration: its text is why it is refused, nothing
   * that it is fine. Classic only; lite refuses the subscription.
   * @param onUnheard told when the nucleus does not take the answer: the deployment then waits in vain
   */
  async judgeConfiguration(
    judge: (proposal: ConfigurationProposal) => Promise<string | undefined>,
    onUnheard: (error: VedetteError) => void,
  ): Promise<void> {
    const stream = this.#client.subscribeToValidateConfigurationUpdates({});
    stream.on('message', ({ validateConfigurationUpdateEvent: event }) => {
      if (event?.deploymentId === undefined) return;
      const { deploymentId, configuration } = event;
      const { accessControl: _, ...values } = (configuration ?? {}) as ConfigurationValues;
      void judge({ deploymentId, values })
        .then(
          (reason) => this.#report(deploymentId, reason),
          (error: unknown) => this.#report(deploymentId, String(error)),
        )
        .catch((error: unknown) => onUnheard(VedetteError.from(error)));
    });
    await this.#activate('SubscribeToValidateConfigurationUpdates', stream);
  }

  /** Asks `listener` before components are updated, again and again until it lets it be. Classic only. */
  async watchUpdates(listener: (proposal: UpdateProposal) => void): Promise<void> {
    const stream = this.#client.subscribeToComponentUpdates({});
    stream.on('message', ({ preUpdateEvent }) => {
      if (preUpdateEvent?.deploymentId === undefined) return;
      listener({ deploymentId: preUpdateEvent.deploymentId });
    });
    await this.#activate('SubscribeToComponentUpdates', stream);
  }

  async deferUpdate(deferral: UpdateDeferral): Promise<void> {
    await this.#call('DeferComponentUpdate', () =>
      this.#client.deferComponentUpdate({ ...deferral }),
    );
  }

  async publish(topicName: string, payload: Uint8Array, qos: 0 | 1): Promise<void> {
    await this.#call('PublishToIoTCore', () =>
      this.#client.publishToIoTCore({
        topicName,
        payload: Buffer.from(payload),
        qos: String(qos) as QOS,
      }),
    );
  }

  /** Hears what arrives from IoT Core on topics that match `filter`, until closed or the connection ends. */
  async subscribe(filter: string, listener: ChannelListener): Promise<Subscription> {
    const stream = this.#client.subscribeToIoTCore({ topicName: filter, qos: '1' as QOS });
    stream.on('message', ({ message }) => {
      if (message?.topicName === undefined) return;
      listener({ topic: message.topicName, payload: bytesOf(message.payload) });
    });
    await this.#activate('SubscribeToIoTCore', stream);
    return {
      close: async () => {
        this.#streams.delete(stream);
        await settledWithin(stream.close(), CLOSE_MS);
      },
    };
  }

  /** Tells the nucleus that the component is up: a deployment waits for it. */
  async report(state: `${ReportedLifecycleState}`): Promise<void> {
    await this.#call('UpdateState', () =>
      this.#client.updateState({ state: state as ReportedLifecycleState }),
    );
  }

  async close(): Promise<void> {
    this.#lost.abort();
    const streams = [...this.#streams].map((stream) => stream.close());
    await settledWithin(Promise.allSettled(streams), CLOSE_MS);
    await settledWithin(this.#client.close(), CLOSE_MS);
  }

  async #report(deploymentId: string, reason: string | undefined): Promise<void> {
    const status = (reason === undefined ? 'ACCEPTED' : 'REJECTED') as ConfigurationValidityStatus;
    const verdict = { deploymentId, status, ...(reason === undefined ? {} : { message: reason }) };
    await this.#call('SendConfigurationValidityReport', () =>
      this.#client.sendConfigurationValidityReport({
        configurationValidityReport: verdict,
      }),
    );
  }

  async #activate(
    operation: string,
    stream: { activate(): Promise<unknown>; close(): Promise<void>; on: unknown },
  ): Promise<void> {
    this.#streams.add(stream);
    try {
      await this.#call(operation, () => stream.activate());
    } catch (error) {
      this.#streams.delete(stream);
      await settledWithin(stream.close(), CLOSE_MS);
      throw error;
    }
  }

  async #call<T>(operation: string, start: () => Promise<T>): Promise<T> {
    const { signal } = this.#lost;
    // The SDK damages the process' memory when a stream is begun over a connection that has just closed.
    // Twice round the event loop, most losses are known here: that makes it rarer, nothing rules it out.
    for (let turn = 0; turn < 2 && !signal.aborted; turn += 1) await setImmediate();
    if (signal.aborted) throw connectionLost(operation);
    let timer: NodeJS.Timeout | undefined;
    let onLost: (() => void) | undefined;
    try {
      return await Promise.race([
        start(),
        new Promise<never>((_, reject) => {
          onLost = () => reject(connectionLost(operation));
          signal.addEventListener('abort', onLost, { once: true });
          timer = setTimeout(() => reject(timeout(operation, this.#timeoutMs)), this.#timeoutMs);
        }),
      ]);
    } catch (thrown) {
      throw ipcError(thrown, operation);
    } finally {
      clearTimeout(timer);
      if (onLost) signal.removeEventListener('abort', onLost);
    }
  }
}

/** A blob as the SDK hands it out, whatever shape its types allow. */
const bytesOf = (payload: unknown): Uint8Array =>
  payload === undefined
    ? new Uint8Array()
    : typeof payload === 'string'
      ? Buffer.from(payload)
      : new Uint8Array(payload as ArrayBuffer);

const connectionLost = (operation: string): VedetteError =>
  new VedetteError('GREENGRASS_UNAVAILABLE', `${operation}: the connection to the nucleus ended`, {
    details: { operation },
  });

const timeout = (operation: string, timeoutMs: number): VedetteError =>
  new VedetteError(
    'GREENGRASS_TIMEOUT',
    `The nucleus did not answer ${operation} within ${timeoutMs} ms`,
    { details: { operation, timeoutMs } },
  );
