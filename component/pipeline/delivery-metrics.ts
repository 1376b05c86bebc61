import { Gauge, type Registry } from 'prom-client';
import type { DeliveryStatus } from '../contract/delivery.ts';

/** What waits to leave the device, on `/metrics`. */
export class DeliveryMetrics {
  readonly #waiting: Gauge<'kind'>;
  readonly #bytes: Gauge;
  readonly #age: Gauge;
  readonly #givenUp: Gauge<'reason'>;
  readonly #sent: Gauge;
  readonly #connected: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#waiting = new Gauge({
      name: 'vedette_delivery_waiting',
      help: 'What waits to leave the device: alarms, other messages, captures',
      labelNames: ['kind'],
      registers,
    });
    this.#bytes = new Gauge({
      name: 'vedette_delivery_waiting_bytes',
      help: 'Bytes that waiting messages take in the database',
      registers,
    });
    this.#age = new Gauge({
      name: 'vedette_delivery_oldest_seconds',
      help: 'Age of the message that has waited longest',
      registers,
    });
    this.#givenUp = new Gauge({
      name: 'vedette_delivery_given_up_total',
      help: 'Messages and captures that were given up, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.#sent = new Gauge({
      name: 'vedette_delivery_sent_total',
      help: 'Messages handed to the broker or the nucleus since the start',
      registers,
    });
    this.#connected = new Gauge({
      name: 'vedette_delivery_connected',
      help: '1 when the broker or the nucleus can be reached; absent when nothing is sent',
      registers,
    });
  }

  set(status: DeliveryStatus): void {
    const { waiting, oldestAgeMs, capturesWaiting, givenUp, channel } = status;
    this.#waiting.set({ kind: 'alarm' }, waiting.alarms);
    this.#waiting.set({ kind: 'other' }, waiting.others);
    this.#waiting.set({ kind: 'capture' }, capturesWaiting);
    this.#bytes.set(waiting.bytes);
    this.#age.set(oldestAgeMs / 1000);
    for (const [reason, count] of Object.entries(givenUp)) this.#givenUp.set({ reason }, count);
    if (channel === undefined) return;
    this.#sent.set(channel.sent);
    this.#connected.set(channel.isConnected ? 1 : 0);
  }
}
