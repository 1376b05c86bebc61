import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { freePort } from '../free-port.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
/** AWS IoT Core takes 128 KB; the rest is for topic and headers. */
const MAX_PACKET_BYTES = 131_072 + 1024;
const START_TIMEOUT_MS = 10_000;

/** A real MQTT broker (Debian's mosquitto) on loopback, in the place of AWS IoT Core. */
export class MqttBroker {
  readonly port: number;
  readonly #folder: string;
  readonly #maxPacketBytes: number;
  readonly #settings: readonly string[];
  readonly #clients: MqttClient[] = [];
  #process: ChildProcess | undefined;

  /** @param settings further lines of its configuration, of its one listener */
  static async start(
    maxPacketBytes = MAX_PACKET_BYTES,
    settings: readonly string[] = [],
  ): Promise<MqttBroker> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-broker-'));
    const broker = new MqttBroker(folder, await freePort(), maxPacketBytes, settings);
    await broker.resume();
    return broker;
  }

  private constructor(
    folder: string,
    port: number,
    maxPacketBytes: number,
    settings: readonly string[],
  ) {
    this.#settings = settings;
    this.#folder = folder;
    this.#maxPacketBytes = maxPacketBytes;
    this.port = port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Ends the broker as a power cut would: nobody can connect until `resume`. */
  async interrupt(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** Starts it on the same port, without what it knew before. */
  async resume(): Promise<void> {
    const file = path.join(this.#folder, 'mosquitto.conf');
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      `max_packet_size ${this.#maxPacketBytes}`,
      'log_dest stderr',
      'log_type error',
      ...this.#settings,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const child = spawn(MOSQUITTO, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'close').then(() => {
      throw new Error(`mosquitto ended: ${said}`);
    });
    ended.catch(() => {});
    killedAtExit(child);
    this.#process = child;
    await Promise.race([answers(this.port), ended]);
  }

  /** A client of this broker, ended with it: what a service in the cloud would be. */
  async client(): Promise<MqttClient> {
    const client = await connectAsync(this.url, { reconnectPeriod: 50 });
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end(true);
    await this.interrupt();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function killedAtExit(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
}

async function answers(port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = connectSocket(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    if (Date.now() > deadline) throw new Error(`mosquitto does not listen on ${port}`);
    await pause(20);
  }
}
