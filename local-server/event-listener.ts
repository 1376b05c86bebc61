import type { ServerResponse } from 'node:http';

/** Unsent bytes that a slow listener may hold in memory. */
const MAX_UNSENT_BYTES = 524_288;

export interface ServerEvent {
  /** The event as it goes over the wire. */
  readonly text: string;
  /** Events with the same word replace each other: a slow listener is sent the last one only. */
  readonly replaces?: string;
}

/**
 * One listener of the server-sent events. While it is too slow, results are counted in place of
 * being kept and states keep their newest value; when it has caught up it is told how many results
 * it missed (`lagged`) and what the states are now.
 */
export class EventListener {
  readonly #response: ServerResponse;
  readonly #newestStates = new Map<string, string>();
  #missedResults = 0;
  #isLagging = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#response.socket?.setNoDelay(true);
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    this.#response.write('retry: 2000\n\n');
    this.#response.on('drain', () => this.#catchUp());
  }

  send(event: ServerEvent): void {
    if (this.#response.destroyed) return;
    if (!this.#isLagging && this.#response.writableLength < MAX_UNSENT_BYTES) {
      this.#response.write(event.text);
      return;
    }
    this.#isLagging = true;
    if (event.replaces === undefined) this.#missedResults += 1;
    else this.#newestStates.set(event.replaces, event.text);
  }

  close(): void {
    this.#response.destroy();
  }

  #catchUp(): void {
    if (!this.#isLagging) return;
    this.#isLagging = false;
    if (this.#missedResults > 0) {
      const data = JSON.stringify({ missedResults: this.#missedResults });
      this.#response.write(`event: lagged\ndata: ${data}\n\n`);
    }
    this.#missedResults = 0;
    for (const text of this.#newestStates.values()) this.#response.write(text);
    this.#newestStates.clear();
  }
}
