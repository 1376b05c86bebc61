import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeFrame, FLAG, MESSAGE, type Frame } from './frame-codec.ts';
import { FrameServer } from './frame-server.ts';
import { isAllowed } from './access-control.ts';
import { CoreLink, type Deliver, type Publication } from './core-link.ts';
import { MqttBroker } from './mqtt-broker.ts';
import { NucleusConfiguration } from './nucleus-configuration.ts';
import type { Personality } from './personality.ts';

export type Json = { [key: string]: unknown };
interface Subscription {
  readonly socket: Socket;
  readonly streamId: number;
  readonly operation: string;
  /** Hands on what comes from AWS IoT Core. */
  readonly deliver?: Deliver;
}
/** How a component answered the question whether it may be updated. */
export interface Deferral {
  readonly deploymentId: string;
  readonly recheckAfterMs: number;
  readonly message?: string;
}

/**
 * Greengrass' nucleus as far as a component sees it: the real protocol on a Unix socket, with the limits
 * of a personality. It can fall silent, die, forget tokens and let subscriptions die without a word.
 */
export class EmulatedNucleus {
  readonly personality: Personality;
  readonly socketFile: string;
  /** In the place of AWS IoT Core. */
  readonly broker: MqttBroker;
  /** What was accepted and is on its way. */
  readonly published: Publication[] = [];
  readonly states: string[] = [];
  readonly reports: Json[] = [];
  /** Operations that were asked for, in order. */
  readonly asked: string[] = [];
  connections = 0;
  token = 'svcuid-1';
  /** No request is answered any more; the sockets stay open. */
  isSilent = false;
  /** The next request of this operation takes effect and is not answered: every connection ends. */
  dropsAt: string | undefined;
  /** So many of the next publishes are accepted and lost, as when the nucleus goes down with its queue. */
  losesNext = 0;
  /** So many of the next subscriptions to AWS IoT Core fail in passing. */
  failsSubscriptions = 0;
  /** What was accepted and lost. */
  readonly lost: Publication[] = [];
  /** Topics that IoT Core's policy forbids. */
  readonly forbidden = new Set<string>();
  readonly deferrals: Deferral[] = [];
  readonly #folder: string;
  #ownsBroker = false;
  readonly #core: CoreLink;
  readonly #server: FrameServer;
  readonly #subscriptions = new Set<Subscription>();
  readonly #configuration: NucleusConfiguration;
  #recheck: NodeJS.Timeout | undefined;

  /** With a broker of its own unless given one. */
  static async start(
    personality: Personality,
    configuration: Json = {},
    broker?: MqttBroker,
  ): Promise<EmulatedNucleus> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-nucleus-'));
    const own = broker ? undefined : await MqttBroker.start();
    const used = (broker ?? own)!;
    const nucleus = new EmulatedNucleus(personality, configuration, folder, used);
    nucleus.#ownsBroker = own !== undefined;
    await nucleus.#server.listen();
    await nucleus.#core.open();
    return nucleus;
  }

  private constructor(
    personality: Personality,
    configuration: Json,
    folder: string,
    broker: MqttBroker,
  ) {
    this.personality = personality;
    this.#configuration = new NucleusConfiguration(configuration, personality.stringifiesDefaults);
    this.#folder = folder;
    this.broker = broker;
    this.#core = new CoreLink(broker.url, personality);
    this.socketFile = path.join(folder, 'ipc.socket');
    this.#server = new FrameServer({
      socketFile: this.socketFile,
      maxFrameBytes: personality.maxFrameBytes,
      onConnect: (socket, frame) => this.#connect(socket, frame),
      onFrame: (socket, frame) => this.#receive(socket, frame),
      onClose: (socket) => {
        for (const one of this.#subscriptions) if (one.socket === socket) this.#end(one);
      },
    });
  }

  /** What a component finds in its environment. */
  get environment(): Record<string, string> {
    return {
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: this.socketFile,
      SVCUID: this.token,
      AWS_IOT_THING_NAME: 'station-7',
      AWS_REGION: 'eu-central-1',
    };
  }

  /** A deployment's merge: maps are merged, all else is replaced; an event for each changed leaf. */
  mergeConfiguration(change: Json): void {
    for (const keyPath of this.#configuration.merge(change)) this.#configurationEvent(keyPath);
  }

  /** A deployment's reset. On lite the key is gone and nobody hears of it. */
  resetConfiguration(key: string): void {
    this.#configuration.reset(key);
    if (this.personality.name === 'classic') this.#configurationEvent([key]);
  }

  /** Asks classic's components whether they could run with this. */
  proposeConfiguration(deploymentId: string, configuration: Json): void {
    this.#send('SubscribeToValidateConfigurationUpdates', 'ValidateConfigurationUpdateEvents', {
      validateConfigurationUpdateEvent: { deploymentId, configuration },
    });
  }

  /**
   * Asks classic's components whether they may be updated now, and again after each deferral. Answers are in
   * `deferrals`; one with `recheckAfterMs` 0 lets the update pass.
   */
  proposeUpdate(deploymentId: string): void {
    this.#send('SubscribeToComponentUpdates', 'ComponentUpdatePolicyEvents', {
      preUpdateEvent: { deploymentId, isGgcRestarting: false },
    });
  }

  /** Every connection ends; requests under way are never answered. */
  dropConnections(): void {
    this.#server.dropConnections();
  }

  /** As when the nucleus restarts: connections end and the old token is worth nothing. */
  restart(): void {
    this.token = `svcuid-${Number(this.token.split('-')[1]) + 1}`;
    this.dropConnections();
  }

  /** Streams stay open and nothing ever comes on them. */
  killSubscriptions(): void {
    for (const one of this.#subscriptions) this.#end(one);
  }

  /** Ends the subscriptions of an operation by itself, in order. */
  endSubscriptions(operation: string): void {
    for (const one of this.#subscriptions) {
      if (one.operation !== operation) continue;
      this.#reply(one.socket, one.streamId, MESSAGE.application, FLAG.terminate, 'End', {});
      this.#end(one);
    }
  }

  /** A message of IoT Core for whoever subscribed to its topic. */
  deliver(topicName: string, payload: Buffer): void {
    this.#core.receive(topicName, payload);
  }

  /** QoS 1 publishes are held unacknowledged until `acknowledge`. */
  set holdsAcknowledgements(value: boolean) {
    this.#core.holdsAcknowledgements = value;
  }

  acknowledge(): void {
    this.#core.acknowledge();
  }

  /** After an outage it stays away from the broker until it is let go. */
  set staysAway(value: boolean) {
    this.#core.staysAway = value;
  }

  /** Whether the nucleus itself reaches AWS IoT Core. */
  get isOnline(): boolean {
    return this.#core.isConnected;
  }

  async close(): Promise<void> {
    clearTimeout(this.#recheck);
    this.#core.close();
    if (this.#ownsBroker) await this.broker.close();
    await this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #connect(socket: Socket, frame: Frame): boolean {
    const { authToken } = JSON.parse(frame.payload.toString() || '{}') as { authToken?: string };
    const isAccepted = frame.type === MESSAGE.connect && authToken === this.token;
    if (isAccepted) this.connections += 1;
    if (isAccepted || this.personality.refusesWithAck) {
      const flags = isAccepted ? FLAG.accepted : FLAG.none;
      const ack = { type: MESSAGE.connectAck, flags, streamId: 0, headers: {} };
      socket.write(encodeFrame({ ...ack, payload: Buffer.alloc(0) }));
    }
    if (!isAccepted) socket.end();
    return isAccepted;
  }

  #receive(socket: Socket, frame: Frame): void {
    const { streamId } = frame;
    if (frame.flags === FLAG.terminate) {
      for (const one of this.#subscriptions) {
        if (one.socket === socket && one.streamId === streamId) this.#end(one);
      }
      return;
    }
    const operation = frame.headers['operation']?.replace('aws.greengrass#', '') ?? '';
    this.asked.push(operation);
    if (this.isSilent) return;
    const request = JSON.parse(frame.payload.toString() || '{}') as Json;
    const fault = this.#faultOf(operation, request);
    if (fault !== undefined) {
      const fields = this.personality.errorFields.map((name) => [name, fault.message]);
      this.#reply(socket, streamId, MESSAGE.error, FLAG.terminate, fault.shape, {
        ...Object.fromEntries(fields),
        _errorCode: fault.shape,
      });
      return;
    }
    if (operation === this.dropsAt) {
      this.dropsAt = undefined;
      this.#answer(operation, request);
      this.dropConnections();
      return;
    }
    const isStream = operation.startsWith('SubscribeTo');
    const flags = isStream ? FLAG.none : FLAG.terminate;
    const answer = this.#answer(operation, request);
    const reply = () =>
      this.#reply(socket, streamId, MESSAGE.application, flags, `${operation}Response`, answer);
    if (isStream) this.#subscribe({ socket, streamId, operation }, request, reply);
    else reply();
  }

  #subscribe(subscription: Subscription, request: Json, reply: () => void): void {
    const { socket, streamId, operation } = subscription;
    if (operation !== 'SubscribeToIoTCore') {
      this.#subscriptions.add(subscription);
      return reply();
    }
    const deliver: Deliver = (topicName, payload) => {
      const message = { topicName, payload: payload.toString('base64') };
      this.#reply(socket, streamId, MESSAGE.application, FLAG.none, 'IoTCoreMessage', { message });
    };
    this.#subscriptions.add({ ...subscription, deliver });
    this.#core.subscribe(textOf(request['topicName']), deliver, reply);
  }

  #end(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    if (subscription.deliver) this.#core.unsubscribe(subscription.deliver);
  }

  #faultOf(operation: string, request: Json): { shape: string; message: string } | undefined {
    const { operations, maxSubscriptions } = this.personality;
    if (!operations.has(operation)) return { shape: 'ServiceError', message: '' };
    if (operation.startsWith('SubscribeTo') && this.#subscriptions.size >= maxSubscriptions) {
      return { shape: 'ServiceError', message: 'Too many subscriptions.' };
    }
    if (operation === 'GetConfiguration') {
      const isThere = this.#configuration.valueAt(request['keyPath']) !== undefined;
      return isThere ? undefined : { shape: 'ResourceNotFoundError', message: 'Key not found' };
    }
    if (operation === 'SubscribeToIoTCore' && this.failsSubscriptions > 0) {
      this.failsSubscriptions -= 1;
      return { shape: 'ServiceError', message: 'Failed to subscribe.' };
    }
    if (!operation.endsWith('ToIoTCore')) return undefined;
    const topic = textOf(request['topicName']);
    const accessControl = this.#configuration.valueAt(['accessControl']);
    if (this.forbidden.has(topic) || !isAllowed(accessControl, operation, topic)) {
      return { shape: 'UnauthorizedError', message: 'IPC Operation not authorized.' };
    }
    if (operation === 'PublishToIoTCore' && !this.#publish(request)) {
      return { shape: 'ServiceError', message: 'Failed to publish the message.' };
    }
    return undefined;
  }

  #publish(request: Json): boolean {
    const message: Publication = {
      topicName: textOf(request['topicName']),
      qos: request['qos'] === '1' ? '1' : '0',
      payload: Buffer.from(textOf(request['payload']), 'base64'),
    };
    if (this.losesNext > 0) {
      this.losesNext -= 1;
      this.lost.push(message);
      return true;
    }
    const isTaken = this.#core.publish(message, request['retain'] === true);
    if (isTaken) this.published.push(message);
    return isTaken;
  }

  #answer(operation: string, request: Json): Json {
    switch (operation) {
      case 'GetConfiguration': {
        const keys = (request['keyPath'] as string[] | undefined) ?? [];
        const value = this.#configuration.valueAt(keys);
        const leaf = keys.at(-1) ?? '';
        const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
        return {
          componentName: 'io.vedette.EdgeRuntime',
          value: isMap ? value : { [leaf]: value },
        };
      }
      case 'UpdateState':
        this.states.push(String(request['state']));
        return {};
      case 'SendConfigurationValidityReport':
        this.reports.push(request['configurationValidityReport'] as Json);
        return {};
      case 'DeferComponentUpdate':
        this.#deferred(request as unknown as Deferral);
        return {};
      default:
        return {};
    }
  }

  #deferred({ deploymentId, recheckAfterMs = 0, message }: Partial<Deferral>): void {
    const answer = { deploymentId: deploymentId ?? '', recheckAfterMs };
    this.deferrals.push(message === undefined ? answer : { ...answer, message });
    if (recheckAfterMs === 0) return;
    clearTimeout(this.#recheck);
    this.#recheck = setTimeout(() => this.proposeUpdate(answer.deploymentId), recheckAfterMs);
  }

  #configurationEvent(keyPath: readonly string[]): void {
    this.#send('SubscribeToConfigurationUpdate', 'ConfigurationUpdateEvents', {
      configurationUpdateEvent: { componentName: 'io.vedette.EdgeRuntime', keyPath },
    });
  }

  #send(operation: string, shape: string, event: Json): void {
    for (const one of this.#subscriptions) {
      if (one.operation !== operation) continue;
      this.#reply(one.socket, one.streamId, MESSAGE.application, FLAG.none, shape, event);
    }
  }

  #reply(
    socket: Socket,
    streamId: number,
    type: number,
    flags: number,
    shape: string,
    body: Json,
  ): void {
    const headers = {
      ':content-type': 'application/json',
      'service-model-type': `aws.greengrass#${shape}`,
    };
    const payload = Buffer.from(JSON.stringify(body));
    socket.write(encodeFrame({ type, flags, streamId, headers, payload }));
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
