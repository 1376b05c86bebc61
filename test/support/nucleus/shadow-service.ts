import type { MqttClient } from 'mqtt';
import type { MqttBroker } from './mqtt-broker.ts';
import {
  checkedState,
  deltaOf,
  isMap,
  MAX_SHADOW_BYTES,
  merged,
  metadataOf,
  readRequest,
  ShadowFault,
  type Json,
  type ShadowState,
} from './shadow-document.ts';

interface Shadow {
  readonly state: ShadowState;
  readonly metadata: Json;
  readonly version: number;
}

const TOPIC = /^(\$aws\/things\/[^/]+\/shadow\/name\/[^/]+)\/(get|update|delete)$/;

/**
 * AWS IoT's named device shadows on a broker: get, update and delete with their answers, deltas,
 * documents, versions and limits, as the developer guide describes them.
 */
export class ShadowService {
  readonly #client: MqttClient;
  readonly #shadows = new Map<string, Shadow>();
  /** Versions go on where they were when a shadow is made again. */
  readonly #lastVersions = new Map<string, number>();
  /** Requests that were refused, in order. */
  readonly refusals: ShadowFault[] = [];
  updates = 0;

  static async start(broker: MqttBroker): Promise<ShadowService> {
    const client = await broker.client();
    const service = new ShadowService(client);
    client.on('message', (topic, payload) => service.#receive(topic, payload));
    const filters = ['get', 'update', 'delete'].map(
      (verb) => `$aws/things/+/shadow/name/+/${verb}`,
    );
    await client.subscribeAsync(filters, { qos: 1 });
    return service;
  }

  private constructor(client: MqttClient) {
    this.#client = client;
  }

  /** What is stored of a shadow; `undefined` when there is none. */
  state(thing: string, name: string): ShadowState | undefined {
    return this.#shadows.get(baseOf(thing, name))?.state;
  }

  /** Sets `desired`, as a person in the console or a program does. `version` as in a request. */
  desire(thing: string, name: string, desired: Json, version?: number): void {
    const request = { state: { desired }, ...(version === undefined ? {} : { version }) };
    this.#receive(`${baseOf(thing, name)}/update`, Buffer.from(JSON.stringify(request)));
  }

  /** Deletes a shadow, if there is one. */
  remove(thing: string, name: string): void {
    const base = baseOf(thing, name);
    if (this.#shadows.has(base)) this.#delete(base, {});
  }

  /** Says the delta once more, as MQTT with QoS 1 may. */
  repeatDelta(thing: string, name: string): void {
    const base = baseOf(thing, name);
    const shadow = this.#shadows.get(base);
    if (shadow) this.#tellDelta(base, shadow, {});
  }

  #receive(topic: string, payload: Buffer): void {
    const [, base, verb] = TOPIC.exec(topic) ?? [];
    if (base === undefined || verb === undefined) return;
    let token: Json = {};
    try {
      const request = readRequest(payload);
      token = request.clientToken === undefined ? {} : { clientToken: request.clientToken };
      if (verb === 'get') this.#get(base, token);
      else if (verb === 'update') this.#update(base, checkedState(request), request.version, token);
      else this.#delete(base, token);
    } catch (thrown) {
      if (!(thrown instanceof ShadowFault)) throw thrown;
      this.refusals.push(thrown);
      const { code, message } = thrown;
      this.#say(`${base}/${verb}/rejected`, { code, message, ...token });
    }
  }

  #get(base: string, token: Json): void {
    const { state, metadata, version } = this.#required(base);
    const delta = deltaOf(state.desired, state.reported);
    const shown = { ...state, ...(state.desired && delta !== undefined ? { delta } : {}) };
    this.#say(`${base}/get/accepted`, { state: shown, metadata, version, ...token });
  }

  #update(base: string, change: ShadowState, expected: number | undefined, token: Json): void {
    const before = this.#shadows.get(base);
    const version = before?.version ?? this.#lastVersions.get(base) ?? 0;
    if (expected !== undefined && expected !== version) {
      throw new ShadowFault(409, 'Version conflict');
    }
    const state = withoutNulls(merged(before?.state ?? {}, change));
    if (Buffer.byteLength(JSON.stringify(state)) > MAX_SHADOW_BYTES) {
      throw new ShadowFault(413, 'The payload exceeds the maximum size allowed');
    }
    const changed = metadataOf(change, seconds());
    const metadata = merged(before?.metadata ?? {}, changed) as Json;
    const shadow = { state, metadata, version: version + 1 };
    this.#shadows.set(base, shadow);
    this.#lastVersions.set(base, shadow.version);
    this.updates += 1;
    const accepted = { state: change, metadata: changed, version: shadow.version, ...token };
    this.#say(`${base}/update/accepted`, accepted);
    const previous = before ?? { state: {}, metadata: {}, version: 0 };
    this.#say(`${base}/update/documents`, { previous, current: shadow, ...token });
    this.#tellDelta(base, shadow, token);
  }

  #tellDelta(base: string, { state, version }: Shadow, token: Json): void {
    const delta = state.desired && deltaOf(state.desired, state.reported);
    if (delta === undefined) return;
    const metadata = metadataOf(delta, seconds());
    this.#say(`${base}/update/delta`, { version, state: delta, metadata, ...token });
  }

  #delete(base: string, token: Json): void {
    const { version } = this.#required(base);
    this.#shadows.delete(base);
    this.#say(`${base}/delete/accepted`, { version, ...token });
  }

  #required(base: string): Shadow {
    const shadow = this.#shadows.get(base);
    if (shadow) return shadow;
    throw new ShadowFault(404, `No shadow exists with name: '${base.split('/').at(-1)}'`);
  }

  #say(topic: string, document: Json): void {
    this.#client.publish(topic, JSON.stringify({ timestamp: seconds(), ...document }), { qos: 1 });
  }
}

const baseOf = (thing: string, name: string): string => `$aws/things/${thing}/shadow/name/${name}`;
const seconds = (): number => Math.floor(Date.now() / 1000);

/** A section set to `null` is gone. */
function withoutNulls(state: unknown): ShadowState {
  const entries = Object.entries(isMap(state) ? state : {});
  return Object.fromEntries(entries.filter(([, section]) => section !== null));
}
