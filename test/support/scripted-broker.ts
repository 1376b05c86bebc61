import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { generate, parser, type IPublishPacket, type Packet } from 'mqtt-packet';

/** What a broker does with every SUBSCRIBE of a connection. */
export type SubscribeAnswer = 'cut' | 'refuse' | 'grant';

const MQTT_5 = { protocolVersion: 5 } as const;
const NOT_AUTHORIZED = 0x87;

/** A broker over a real socket that answers SUBSCRIBE as it is told. */
export class ScriptedBroker {
  /** From now on. */
  answer: SubscribeAnswer;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #asked: string[][] = [];
  readonly #identifiers = new Map<string, number>();
  readonly #hasIdentifiers: boolean;

  static async start(answer: SubscribeAnswer, hasIdentifiers = true): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(answer, hasIdentifiers);
    await once(broker.#server.listen(0, '127.0.0.1'), 'listening');
    return broker;
  }

  private constructor(answer: SubscribeAnswer, hasIdentifiers: boolean) {
    this.answer = answer;
    this.#hasIdentifiers = hasIdentifiers;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The filters that each connection asked for. */
  get asked(): readonly (readonly string[])[] {
    return this.#asked;
  }

  /** The subscription identifiers that it was given, by filter. */
  get identifiers(): ReadonlyMap<string, number> {
    return this.#identifiers;
  }

  /** Sends it once. @param identifiers of the subscriptions that it says it sends it for */
  publish(topic: string, payload: string, identifiers: readonly number[] = []): void {
    const packet: IPublishPacket = {
      ...{ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false },
      ...(identifiers.length === 0
        ? {}
        : { properties: { subscriptionIdentifier: [...identifiers] } }),
    };
    for (const socket of this.#sockets) socket.write(generate(packet, MQTT_5));
  }

  /** Every connection ends; clients may come again. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    const asked: string[] = [];
    this.#asked.push(asked);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Who was cut off may still have been writing.
    socket.on('error', () => socket.destroy());
    const reader = parser(MQTT_5);
    reader.on('packet', (packet: Packet) => this.#hear(packet, socket, asked));
    socket.on('data', (data) => reader.parse(data));
  }

  #hear(packet: Packet, socket: Socket, asked: string[]): void {
    const say = (answer: Packet) => socket.write(generate(answer, MQTT_5));
    if (packet.cmd === 'connect') {
      const properties = { subscriptionIdentifiersAvailable: this.#hasIdentifiers };
      say({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties });
    }
    if (packet.cmd === 'pingreq') say({ cmd: 'pingresp' });
    if (packet.cmd !== 'subscribe') return;
    const identifier = packet.properties?.subscriptionIdentifier;
    for (const { topic } of packet.subscriptions) {
      asked.push(topic);
      if (identifier !== undefined) this.#identifiers.set(topic, [identifier].flat()[0]!);
    }
    if (this.answer === 'cut') return void socket.destroy();
    const code = this.answer === 'grant' ? 1 : NOT_AUTHORIZED;
    const granted = packet.subscriptions.map(() => code);
    say({ cmd: 'suback', messageId: packet.messageId!, granted });
  }
}
