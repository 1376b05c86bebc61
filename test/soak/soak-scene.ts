import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { MqttClient } from 'mqtt';
import { HttpCamera } from '../support/http-camera.ts';
import { MqttBroker } from '../support/nucleus/mqtt-broker.ts';
import { RtspServer } from '../support/rtsp-server.ts';
import { RtspWire } from '../support/rtsp-wire.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../support/runtime-process.ts';
import { Station } from './station.ts';
import { PART_COIL, PART_REGISTER, Plc, SORTER_REGISTER, SORTER_VALUES } from './plc.ts';

export const STREAM_CAMERAS = ['gate', 'belt', 'dock'] as const;
export const TRIGGER_TOPIC = 'soak/trigger';
export const DEADLINE_MS = 1500;
export const STALL_MS = 1500;
export const HOOK_GIVES_UP_MS = 60_000;
const VERDICT_TOPIC = 'soak/verdict';
/** Five pictures a second each: two cores keep up, also while others work on them. */
const RTSP = { size: '640x360', rate: 5 };
/** A write of the runtime takes some milliseconds. */
const LOCK_RETRY_MS = 5;
const CAMERA_INTERVAL_MS = 200;

/** When the runtime process lived, in milliseconds since 1970. */
export interface Life {
  readonly fromMs: number;
  toMs: number | undefined;
  /** What ended it. */
  end: string | undefined;
}

/** Takes verdicts as a program of the line does, and can fail to. */
export class WebhookReceiver {
  mode: 'good' | 'failing' | 'silent' = 'good';
  readonly received = new Set<string>();
  readonly #server: Server;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/verdicts`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (this.mode === 'silent') return;
    if (this.mode === 'failing') {
      response.writeHead(503).end('busy');
      return;
    }
    this.received.add(String(request.headers['idempotency-key']));
    response.writeHead(200).end('ok');
  }
}

/** Not while another one writes. */
function tryLock(db: Database.Database): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return false;
    throw error;
  }
}

/** The line: cameras, a broker, a receiver of verdicts, and the runtime that watches them. */
export class SoakScene {
  readonly lives: Life[] = [];
  readonly folder: RuntimeFolder;
  readonly camera: HttpCamera;
  readonly broker: MqttBroker;
  readonly receiver: WebhookReceiver;
  readonly plc: Plc;
  readonly client: MqttClient;
  readonly verdicts = new Set<string>();
  readonly station = new Station({
    ...{ deadlineMs: DEADLINE_MS, stallTimeoutMs: STALL_MS },
    runtime: () => this.runtime,
  });
  rtsp: RtspServer;
  /** Between the RTSP camera and the runtime. */
  wire: RtspWire;
  runtime: RuntimeProcess | undefined;
  #isClosed = false;

  static async start(): Promise<SoakScene> {
    const broker = await MqttBroker.start();
    const client = await broker.client();
    const rtsp = await RtspServer.start(RTSP);
    const scene = new SoakScene({
      folder: await RuntimeFolder.create(),
      camera: await HttpCamera.start({ intervalMs: CAMERA_INTERVAL_MS }),
      receiver: await WebhookReceiver.start(),
      plc: await Plc.start(),
      wire: await RtspWire.to(rtsp.port),
      ...{ rtsp, broker, client },
    });
    client.on('message', (_topic, payload) => {
      const { id } = JSON.parse(payload.toString('utf8')) as { id: string };
      scene.verdicts.add(id);
    });
    await client.subscribeAsync(VERDICT_TOPIC, { qos: 1 });
    await scene.startRuntime();
    return scene;
  }

  private constructor(
    parts: Pick<
      SoakScene,
      'folder' | 'camera' | 'broker' | 'receiver' | 'plc' | 'client' | 'rtsp' | 'wire'
    >,
  ) {
    this.folder = parts.folder;
    this.camera = parts.camera;
    this.broker = parts.broker;
    this.receiver = parts.receiver;
    this.client = parts.client;
    this.plc = parts.plc;
    this.rtsp = parts.rtsp;
    this.wire = parts.wire;
  }

  async startRuntime(): Promise<void> {
    const runtime = await this.folder.start(this.#configuration());
    this.runtime = runtime;
    const life: Life = { fromMs: Date.now(), toMs: undefined, end: undefined };
    this.lives.push(life);
    void runtime.ended.then(({ code, signal }) => {
      life.toMs = Date.now();
      life.end ??= `ended by itself with ${code ?? signal}`;
    });
    await runtime.ready();
  }

  get database(): string {
    return this.folder.join('data', 'registry.db');
  }

  /** Ends the runtime and starts it again, as a power cut or an update does. */
  async restartRuntime(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { runtime } = this;
    this.runtime = undefined;
    this.lives.at(-1)!.end = signal;
    await runtime?.stop(signal);
    if (!this.#isClosed) await this.startRuntime();
  }

  /** On the same ports: the camera's address does not change. */
  async restartRtsp(downMs: number): Promise<void> {
    const { port } = this.rtsp;
    const { port: address } = this.wire;
    await Promise.all([this.wire.close(), this.rtsp.close()]);
    await pause(downMs);
    this.rtsp = await RtspServer.start({ ...RTSP, port });
    this.wire = await RtspWire.to(port, address);
  }

  /** Nobody else can write to the registry for so long: to the runtime that is a disk that hangs. */
  async holdRegistry(lastsMs: number): Promise<void> {
    const db = new Database(this.database, { timeout: 0 });
    try {
      while (!tryLock(db)) await pause(LOCK_RETRY_MS);
      await pause(lastsMs);
      db.exec('ROLLBACK');
    } finally {
      db.close();
    }
  }

  /** The decoders of the runtime's cameras. */
  decoders(): number[] {
    const children = this.runtime?.children() ?? [];
    return children
      .filter(({ commandLine }) => commandLine[0]?.endsWith('ffmpeg'))
      .map(({ pid }) => pid);
  }

  /** Ends everything; the runtime in order, so that what it wrote can be read. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const life = this.lives.at(-1);
    if (life && life.end === undefined) life.end = 'the end of the soak';
    if (this.runtime?.isAlive) await this.runtime.stop('SIGTERM');
    await this.wire.close();
    await this.rtsp.close();
    await this.camera.close();
    await this.plc.device.close();
    await this.receiver.close();
    await this.broker.close();
  }

  #configuration(): object {
    const plc = { kind: 'modbus', host: '127.0.0.1', port: this.plc.device.port };
    return {
      models: {
        people: { package: samples('models', 'coco-detector') },
        surface: { package: samples('models', 'brick-anomaly') },
      },
      cameras: {
        gate: {
          model: 'people',
          source: { kind: 'ffmpeg', url: this.wire.url('live'), stallTimeoutMs: STALL_MS },
        },
        belt: {
          model: 'surface',
          source: {
            kind: 'http-mjpeg',
            url: this.camera.url('/stream'),
            stallTimeoutMs: STALL_MS,
          },
        },
        dock: {
          policy: 'triggered',
          model: 'surface',
          source: {
            kind: 'http-mjpeg',
            url: this.camera.url('/stream'),
            stallTimeoutMs: STALL_MS,
          },
          trigger: { deadlineMs: DEADLINE_MS, failSafe: 'review', afterMs: 1000, maxQueued: 16 },
        },
        hand: { model: 'surface', source: { kind: 'push' } },
      },
      triggers: {
        bus: { camera: 'dock', kind: 'mqtt', topic: TRIGGER_TOPIC },
        plc: {
          ...{ ...plc, camera: 'dock', table: 'coil', address: PART_COIL },
          productFrom: { address: PART_REGISTER },
        },
      },
      outputs: {
        hook: {
          kind: 'webhook',
          camera: 'dock',
          url: this.receiver.url,
          timeoutMs: 1000,
          outcomes: { pass: true },
          giveUpAfterMs: HOOK_GIVES_UP_MS,
        },
        verdicts: { kind: 'mqtt', camera: 'dock', topic: VERDICT_TOPIC, outcomes: { pass: true } },
        sorter: {
          ...{ ...plc, camera: 'dock', table: 'holding-register', address: SORTER_REGISTER },
          values: SORTER_VALUES,
        },
      },
      delivery: { mqtt: { url: this.broker.url } },
      thing: 'soak',
      retention: { minFreeBytes: 0 },
    };
  }
}
