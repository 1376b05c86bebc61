import { VedetteError } from '../contract/errors.ts';
import type { ChannelListener, Subscription } from '../contract/message-channel.ts';
import { IpcClient, type Fields, type IpcAddress } from './ipc-client.ts';

export type ConfigurationValues = Record<string, unknown>;

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

/**
 * What this component asks of the nucleus, over one connection for the life of the process: connecting
 * anew for each call leaks memory in the nucleus. Every call ends, at the latest with GREENGRASS_TIMEOUT.
 */
export class IpcConnection {
  readonly #client: IpcClient;

  private constructor(client: IpcClient) {
    this.#client = client;
  }

  /** @throws VedetteError GREENGRASS_UNAVAILABLE, GREENGRASS_TIMEOUT */
  static async open(address: IpcAddress, timeoutMs = CALL_TIMEOUT_MS): Promise<IpcConnection> {
    return new IpcConnection(await IpcClient.open(address, timeoutMs));
  }

  /** Aborted when the connection ended, whoever ended it. It never comes back. */
  get lost(): AbortSignal {
    return this.#client.lost;
  }

  /** The whole configuration of this component, without what it may access. */
  async configuration(): Promise<ConfigurationValues> {
    const { value } = await this.#client.call('GetConfiguration', { keyPath: [] });
    return withoutAccess(value);
  }

  /** Calls `listener` when something in the configuration changed. */
  async watchConfiguration(listener: () => void): Promise<void> {
    const request = { keyPath: [] };
    await this.#follow('SubscribeToConfigurationUpdate', request, listener);
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
    const onEvent = ({ validateConfigurationUpdateEvent: event }: Fields) => {
      const { deploymentId, configuration } = fieldsIn(event);
      if (typeof deploymentId !== 'string') return;
      void judge({ deploymentId, values: withoutAccess(configuration) })
        .then(
          (reason) => this.#report(deploymentId, reason),
          (error: unknown) => this.#report(deploymentId, String(error)),
        )
        .catch((error: unknown) => onUnheard(VedetteError.from(error)));
    };
    await this.#follow('SubscribeToValidateConfigurationUpdates', {}, onEvent);
  }

  /** Asks `listener` before components are updated, again and again until it lets it be. Classic only. */
  async watchUpdates(listener: (proposal: UpdateProposal) => void): Promise<void> {
    const onEvent = ({ preUpdateEvent }: Fields) => {
      const { deploymentId } = fieldsIn(preUpdateEvent);
      if (typeof deploymentId === 'string') listener({ deploymentId });
    };
    await this.#follow('SubscribeToComponentUpdates', {}, onEvent);
  }

  async deferUpdate(deferral: UpdateDeferral): Promise<void> {
    await this.#client.call('DeferComponentUpdate', { ...deferral });
  }

  async publish(topicName: string, payload: Uint8Array, qos: 0 | 1): Promise<void> {
    const { buffer, byteOffset, byteLength } = payload;
    await this.#client.call('PublishToIoTCore', {
      topicName,
      payload: Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
      qos: String(qos),
    });
  }

  /** Hears what arrives from IoT Core on topics that match `filter`, until closed or the connection ends. */
  async subscribe(
    filter: string,
    listener: ChannelListener,
    onEnded: () => void = () => {},
  ): Promise<Pick<Subscription, 'close'>> {
    const onEvent = ({ message }: Fields) => {
      const { topicName, payload } = fieldsIn(message);
      if (typeof topicName !== 'string') return;
      const bytes = typeof payload === 'string' ? Buffer.from(payload, 'base64') : Buffer.alloc(0);
      listener({ topic: topicName, payload: bytes });
    };
    const request = { topicName: filter, qos: '1' };
    const stream = await this.#client.subscribe('SubscribeToIoTCore', request, {
      onEvent,
      onEnded,
    });
    return { close: async () => stream.close() };
  }

  /** Tells the nucleus that the component is up: a deployment waits for it. */
  async report(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    await this.#client.call('UpdateState', { state });
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** For the life of the connection: when the nucleus ends it alone, a new connection makes all anew. */
  async #follow(operation: string, request: Fields, onEvent: (event: Fields) => void) {
    const onEnded = () => this.#client.close();
    await this.#client.subscribe(operation, request, { onEvent, onEnded });
  }

  async #report(deploymentId: string, reason: string | undefined): Promise<void> {
    const status = reason === undefined ? 'ACCEPTED' : 'REJECTED';
    const verdict = { deploymentId, status, ...(reason === undefined ? {} : { message: reason }) };
    await this.#client.call('SendConfigurationValidityReport', {
      configurationValidityReport: verdict,
    });
  }
}

/** What is inside an event; nothing when it is another one. */
const fieldsIn = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

function withoutAccess(value: unknown): ConfigurationValues {
  const { accessControl: _, ...values } = fieldsIn(value);
  return values;
}
