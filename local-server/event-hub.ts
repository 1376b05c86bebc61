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
    for (const event of this.#state()) listener.send(event);
    for (const notice of this.#runtime.notices()) {
      listener.send(serverEvent({ kind: 'notice', notice }));
    }
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
    this.#stop();
  }

  #start(): void {
    this.#unsubscribe = this.#runtime.subscribe((event) => this.#tell(event));
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

  /** What is there, in the order in which a listener forgets what was there before. */
  #state(): ServerEvent[] {
    const configuration = this.#runtime.configurationStatus();
    return [
      this.#status(),
      serverEvent({ kind: 'configuration', configuration }),
      ...this.#runtime.cameras().map((camera) => serverEvent({ kind: 'camera', camera })),
      ...this.#runtime.models().map((model) => serverEvent({ kind: 'model', model })),
    ];
  }

  /** With another configuration there are other cameras and models. */
  #tell(event: RuntimeEvent): void {
    if (event.kind !== 'configuration') this.#sendToAll(serverEvent(event));
    else for (const one of this.#state()) this.#sendToAll(one);
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
    case 'configuration':
      return {
        text: eventText('configuration', event.configuration),
        replaces: 'configuration',
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
