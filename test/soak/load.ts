import { setTimeout as pause } from 'node:timers/promises';
import type { Injected } from './faults.ts';
import { brickPictures } from '../support/sample-pictures.ts';
import { TRIGGER_TOPIC, type SoakScene } from './soak-scene.ts';

/** Between two of a kind, in milliseconds. */
const HTTP_TRIGGER_MS = 700;
const MQTT_TRIGGER_MS = 1500;
const PUSH_MS = 1000;
const EDGE_MS = 2000;
/** The PLC is asked a hundred times a second: an edge is seen also on busy cores. */
const EDGE_HIGH_MS = 500;
const FLOOD_MS = 60_000;
const FLOOD = 200;
/** After it the queue of triggers is empty again. */
const FLOOD_RECOVERY_MS = 5000;

export interface SentTrigger {
  readonly id: string;
  readonly way: 'http, verdict' | 'http, accepted' | 'mqtt' | 'flood';
  readonly sentMs: number;
  /** HTTP status; absent when nothing came. */
  readonly status?: number;
  readonly code?: string;
  readonly outcome?: string;
  readonly isFailSafe?: boolean;
  readonly tookMs?: number;
}

/** A part that the PLC announced. */
export interface RaisedEdge {
  readonly part: number;
  readonly raisedMs: number;
  readonly loweredMs: number;
  /** Somebody who is connected had seen the coil off before. */
  readonly isWatched: boolean;
}

export interface SentPicture {
  readonly sentMs: number;
  readonly isPicture: boolean;
  readonly status?: number;
  readonly code?: string;
  /** Of the stored result. */
  readonly resultId?: string;
}

interface Answered {
  readonly status?: number;
  readonly body?: {
    readonly id?: string;
    readonly code?: string;
    readonly verdict?: { readonly outcome: string };
    readonly transaction?: { readonly isFailSafe: boolean };
  };
}

const PICTURES = brickPictures();
const NO_PICTURE = Buffer.from('no picture');

/** What the line does: parts come, pictures are handed over, now and then far too many at once. */
export class Load {
  readonly triggers: SentTrigger[] = [];
  readonly edges: RaisedEdge[] = [];
  readonly pictures: SentPicture[] = [];
  readonly floods: Injected[] = [];
  readonly #scene: SoakScene;
  readonly #stop: AbortSignal;
  #count = 0;

  constructor(scene: SoakScene, stop: AbortSignal) {
    this.#scene = scene;
    this.#stop = stop;
  }

  /** Resolves when it was told to stop and everything on its way has come back. */
  async run(): Promise<void> {
    await Promise.all([
      this.#every(HTTP_TRIGGER_MS, () => this.#http()),
      this.#every(MQTT_TRIGGER_MS, () => this.#mqtt()),
      this.#every(EDGE_MS, () => this.#edge()),
      this.#every(PUSH_MS, () => this.#push()),
      this.#every(FLOOD_MS, () => this.#flood()),
    ]);
  }

  async #every(intervalMs: number, send: () => Promise<void>): Promise<void> {
    const sent: Promise<void>[] = [];
    while (!this.#stop.aborted) {
      await pause(intervalMs, undefined, { signal: this.#stop }).catch(() => {});
      if (!this.#stop.aborted) sent.push(send());
    }
    await Promise.all(sent);
  }

  /** A fault of who triggers: others may find no place in the queue meanwhile. */
  async #flood(): Promise<void> {
    const fromMs = Date.now();
    await Promise.all(Array.from({ length: FLOOD }, () => this.#http('flood')));
    const toMs = Date.now();
    this.floods.push({
      ...{ name: 'flood of triggers', affects: ['triggers'], fromMs, toMs },
      allowedUntilMs: toMs + FLOOD_RECOVERY_MS,
    });
  }

  #nextId(): string {
    this.#count += 1;
    return `part-${String(this.#count).padStart(6, '0')}`;
  }

  async #http(kind?: 'flood'): Promise<void> {
    const id = this.#nextId();
    const answer = this.#count % 2 === 0 ? 'verdict' : 'accepted';
    const sentMs = Date.now();
    const { status, body } = await this.#post(
      `/api/v1/cameras/dock/trigger?answer=${answer}`,
      JSON.stringify({ id, context: { part: id } }),
      'application/json',
    );
    this.triggers.push({
      id,
      way: kind ?? `http, ${answer}`,
      sentMs,
      tookMs: Date.now() - sentMs,
      ...(status === undefined ? {} : { status }),
      ...(body?.code === undefined ? {} : { code: body.code }),
      ...(body?.verdict ? { outcome: body.verdict.outcome } : {}),
      ...(body?.transaction ? { isFailSafe: body.transaction.isFailSafe } : {}),
    });
  }

  async #mqtt(): Promise<void> {
    const id = this.#nextId();
    this.triggers.push({ id, way: 'mqtt', sentMs: Date.now() });
    // Without a broker it is not sent at all: who triggers this way accepts that.
    this.#scene.client.publish(TRIGGER_TOPIC, JSON.stringify({ id }), { qos: 0 });
  }

  async #edge(): Promise<void> {
    const { plc } = this.#scene;
    const part = this.edges.length + 1;
    const { isWatched } = plc;
    const raisedMs = Date.now();
    plc.raise(part);
    await pause(EDGE_HIGH_MS);
    plc.lower();
    this.edges.push({ part, raisedMs, loweredMs: Date.now(), isWatched });
  }

  async #push(): Promise<void> {
    this.#count += 1;
    const isPicture = this.#count % 7 !== 0;
    const sentMs = Date.now();
    const bytes = isPicture ? PICTURES[this.#count % PICTURES.length]!.bytes : NO_PICTURE;
    const path = '/api/v1/cameras/hand/frames';
    const { status, body } = await this.#post(path, bytes, 'application/octet-stream');
    this.pictures.push({
      ...{ sentMs, isPicture },
      ...(status === undefined ? {} : { status }),
      ...(body?.code === undefined ? {} : { code: body.code }),
      ...(body?.id === undefined ? {} : { resultId: body.id }),
    });
  }

  /** Nothing when nobody answers. */
  async #post(path: string, body: BodyInit, type: string): Promise<Answered> {
    const { runtime } = this.#scene;
    if (!runtime) return {};
    try {
      const response = await fetch(runtime.address + path, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      return {
        status: response.status,
        body: (await response.json()) as NonNullable<Answered['body']>,
      };
    } catch {
      return {};
    }
  }
}
