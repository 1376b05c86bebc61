import type { ServerResponse } from 'node:http';
import type { RuntimeEvent } from '../component/contract/ports.ts';
import type { EdgeRuntime } from '../component/edge-runtime.ts';
import { EventListener } from './event-listener.ts';
import type { ServerEvent } from './event-listener.ts';
import { deviceStatus } from './routes/status.ts';

const STATUS_INTERVAL_MS = 5000;

/**
 * Hands the runtime's events to every listener, each written once. A `status` event every five
 * seconds tells a listener that the connection lives, which a comment would hide from a page.
 */
export class EventHub {
  readonly #runtime: EdgeRuntime;
  readonly #listeners = new Set<EventListener>();
  #unsubscribe: (() => void) | undefined;
  #statusTimer: NodeJS.Timeout | undefined;

  constructor(runtime: EdgeRuntime) {
    this.#runtime = runtime;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Begins with the state of everything, so that a listener needs no second source. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    if (response.destroyed) return;
    const listener = new EventListener(response);
    response.once('close', () => this.#remove(listener));
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    listener.begin(headers);
    listener.send(this.#status());
    for (const camera of this.#runtime.cameras()) {
      listener.send(serverEvent({ kind: 'camera', camera }));
    }
    for (const model of this.#runtime.models()) {
      listener.send(serverEvent({ kind: 'model', model }));
    }
    for (const notice of this.#runtime.notices()) {
      listener.send(serverEvent({ kind: 'notice', notice }));
    }
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
    this.#stop();
  }

  #start(): void {
    this.#unsubscribe = this.#runtime.subscribe((event) => this.#sendToAll(serverEvent(event)));
    this.#statusTimer = setInterval(() => this.#sendToAll(this.#status()), STATUS_INTERVAL_MS);
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#statusTimer);
  }

  #remove(listener: EventListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#stop();
  }

  #sendToAll(event: ServerEvent): void {
    for (const listener of this.#listeners) listener.send(event);
  }

  #status(): ServerEvent {
    return { text: eventText('status', deviceStatus(this.#runtime)), replaces: 'status' };
  }
}

function serverEvent(event: RuntimeEvent): ServerEvent {
  switch (event.kind) {
    case 'result':
      return { text: eventText('result', event.result, event.result.id) };
    case 'camera':
      return { text: eventText('camera', event.camera), replaces: `camera ${event.camera.name}` };
    case 'model':
      return { text: eventText('model', event.model), replaces: `model ${event.model.name}` };
    case 'model-change':
      return {
        text: eventText('model-change', event.change),
        replaces: `model-change ${event.change.model}`,
      };
    case 'notice':
      return {
        text: eventText('notice', event.notice),
        replaces: `notice ${event.notice.error.code}`,
      };
  }
}

function eventText(name: string, data: unknown, id?: string): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${name}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
