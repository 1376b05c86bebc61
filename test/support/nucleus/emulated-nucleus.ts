import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeFrames, encodeFrame, FLAG, MESSAGE, type Frame } from './frame-codec.ts';
import type { Personality } from './personality.ts';

type Json = { [key: string]: unknown };
interface Subscription {
  readonly socket: Socket;
  readonly streamId: number;
  readonly operation: string;
  /** Topic filter of SubscribeToIoTCore. */
  readonly filter: string;
}
export interface Publication {
  readonly topicName: string;
  readonly qos: '0' | '1';
  readonly payload: Buffer;
}

/**
 * Greengrass' nucleus as far as a component sees it: the real protocol on a Unix socket, with the limits
 * of a personality. It can fall silent, die, forget tokens and let subscriptions die without a word.
 */
export class EmulatedNucleus {
  readonly personality: Personality;
  readonly socketFile: string;
  readonly published: Publication[] = [];
  readonly states: string[] = [];
  readonly reports: Json[] = [];
  /** Operations that were asked for, in order. */
  readonly asked: string[] = [];
  connections = 0;
  token = 'svcuid-1';
  /** No request is answered any more; the sockets stay open. */
  isSilent = false;
  /** QoS 1 publishes are held until `acknowledge`. */
  holdsAcknowledgements = false;
  /** So many of the next publishes are accepted and lost, as when the nucleus goes down with its queue. */
  losesNext = 0;
  /** What was accepted and lost. */
  readonly lost: Publication[] = [];
  /** Topics that IoT Core's policy forbids. */
  readonly forbidden = new Set<string>();
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #subscriptions = new Set<Subscription>();
  #configuration: Json = {};
  #inFlight: number[] = [];

  static async start(personality: Personality, configuration: Json = {}): Promise<EmulatedNucleus> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-nucleus-'));
    const nucleus = new EmulatedNucleus(personality, folder);
    nucleus.#configuration = configuration;
    await nucleus.#listen();
    return nucleus;
  }

  private constructor(personality: Personality, folder: string) {
    this.personality = personality;
    this.#folder = folder;
    this.socketFile = path.join(folder, 'ipc.socket');
    this.#server = createServer((socket) => this.#serve(socket));
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
    const leaves = mergeInto(this.#configuration, change, []);
    for (const keyPath of leaves) this.#configurationEvent(keyPath);
  }

  /** A deployment's reset. On lite the key is gone and nobody hears of it. */
  resetConfiguration(key: string): void {
    delete this.#configuration[key];
    if (this.personality.name === 'classic') this.#configurationEvent([key]);
  }

  /** Asks classic's components whether they could run with this. */
  proposeConfiguration(deploymentId: string, configuration: Json): void {
    this.#send('SubscribeToValidateConfigurationUpdates', 'ValidateConfigurationUpdateEvents', {
      validateConfigurationUpdateEvent: { deploymentId, configuration },
    });
  }

  /** Every connection ends; requests under way are never answered. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** As when the nucleus restarts: connections end and the old token is worth nothing. */
  restart(): void {
    this.token = `svcuid-${Number(this.token.split('-')[1]) + 1}`;
    this.dropConnections();
  }

  /** Streams stay open and nothing ever comes on them. */
  killSubscriptions(): void {
    this.#subscriptions.clear();
  }

  /** A message of IoT Core for whoever subscribed to its topic. */
  deliver(topicName: string, payload: Buffer): void {
    const event = { message: { topicName, payload: payload.toString('base64') } };
    for (const one of this.#subscriptions) {
      if (one.operation !== 'SubscribeToIoTCore' || !isMatch(one.filter, topicName)) continue;
      this.#reply(
        one.socket,
        one.streamId,
        MESSAGE.application,
        FLAG.none,
        'IoTCoreMessage',
        event,
      );
    }
  }

  acknowledge(): void {
    this.#inFlight = [];
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.socketFile, resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const one of this.#subscriptions) {
        if (one.socket === socket) this.#subscriptions.delete(one);
      }
    });
    let waiting: Buffer = Buffer.alloc(0);
    let isConnected = false;
    socket.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      if (waiting.length >= 4 && waiting.readUInt32BE(0) > this.personality.maxFrameBytes) {
        socket.destroy();
        return;
      }
      const { frames, rest } = decodeFrames(waiting);
      waiting = rest;
      for (const frame of frames) {
        if (!isConnected) isConnected = this.#connect(socket, frame);
        else if (frame.type === MESSAGE.ping) {
          socket.write(encodeFrame({ ...frame, type: MESSAGE.pingResponse }));
        } else if (frame.type === MESSAGE.application) this.#receive(socket, frame);
      }
    });
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
        if (one.socket === socket && one.streamId === streamId) this.#subscriptions.delete(one);
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
    const isStream = operation.startsWith('SubscribeTo');
    const filter = textOf(request['topicName']);
    if (isStream) this.#subscriptions.add({ socket, streamId, operation, filter });
    const flags = isStream ? FLAG.none : FLAG.terminate;
    const answer = this.#answer(operation, request);
    this.#reply(socket, streamId, MESSAGE.application, flags, `${operation}Response`, answer);
  }

  #faultOf(operation: string, request: Json): { shape: string; message: string } | undefined {
    const { operations, maxSubscriptions, maxInFlight, maxInFlightBytes } = this.personality;
    if (!operations.has(operation)) return { shape: 'ServiceError', message: '' };
    if (operation.startsWith('SubscribeTo') && this.#subscriptions.size >= maxSubscriptions) {
      return { shape: 'ServiceError', message: 'Too many subscriptions.' };
    }
    if (operation === 'GetConfiguration' && this.#valueAt(request['keyPath']) === undefined) {
      return { shape: 'ResourceNotFoundError', message: 'Key not found' };
    }
    if (operation === 'PublishToIoTCore' && this.forbidden.has(textOf(request['topicName']))) {
      return { shape: 'UnauthorizedError', message: 'IPC Operation not authorized.' };
    }
    if (operation === 'PublishToIoTCore' && request['qos'] === '1') {
      const bytes = Buffer.from(textOf(request['payload']), 'base64').length;
      const waiting = this.#inFlight.reduce((sum, one) => sum + one, 0);
      if (this.#inFlight.length >= maxInFlight || waiting + bytes > maxInFlightBytes) {
        return { shape: 'ServiceError', message: 'Failed to publish the message.' };
      }
    }
    return undefined;
  }

  #answer(operation: string, request: Json): Json {
    switch (operation) {
      case 'GetConfiguration': {
        const keys = (request['keyPath'] as string[] | undefined) ?? [];
        const value = this.#valueAt(keys);
        const leaf = keys.at(-1) ?? '';
        const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
        return {
          componentName: 'io.vedette.EdgeRuntime',
          value: isMap ? value : { [leaf]: value },
        };
      }
      case 'PublishToIoTCore': {
        const payload = Buffer.from(textOf(request['payload']), 'base64');
        const qos = request['qos'] === '1' ? '1' : '0';
        const publication: Publication = { topicName: String(request['topicName']), qos, payload };
        if (this.losesNext > 0) {
          this.losesNext -= 1;
          this.lost.push(publication);
          return {};
        }
        this.published.push(publication);
        if (qos === '1' && this.holdsAcknowledgements) this.#inFlight.push(payload.length);
        return {};
      }
      case 'UpdateState':
        this.states.push(String(request['state']));
        return {};
      case 'SendConfigurationValidityReport':
        this.reports.push(request['configurationValidityReport'] as Json);
        return {};
      default:
        return {};
    }
  }

  #valueAt(keyPath: unknown): unknown {
    const keys = Array.isArray(keyPath) ? (keyPath as string[]) : [];
    const tree = this.personality.stringifiesDefaults
      ? stringified(this.#configuration)
      : this.#configuration;
    return keys.reduce<unknown>((node, key) => (node as Json | undefined)?.[key], tree);
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

/** MQTT's `+` and `#`. */
function isMatch(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  const isTail = wanted.at(-1) === '#';
  if (isTail ? levels.length < wanted.length - 1 : levels.length !== wanted.length) return false;
  return wanted.every((one, index) => one === '#' || one === '+' || one === levels[index]);
}

/** Merges and gives the paths of the leaves that were named. */
function mergeInto(tree: Json, change: Json, above: readonly string[]): string[][] {
  return Object.entries(change).flatMap(([key, value]) => {
    const keyPath = [...above, key];
    const isMap = (node: unknown): node is Json =>
      typeof node === 'object' && node !== null && !Array.isArray(node);
    if (!isMap(value)) {
      tree[key] = value;
      return [keyPath];
    }
    if (!isMap(tree[key])) tree[key] = {};
    return mergeInto(tree[key] as Json, value, keyPath);
  });
}

function stringified(node: unknown): unknown {
  if (typeof node === 'number' || typeof node === 'boolean') return String(node);
  if (Array.isArray(node)) return node.map(stringified);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, one]) => [key, stringified(one)]));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
