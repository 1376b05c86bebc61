import type { InferenceResult } from '../../component/contract/result.ts';

export interface ReceivedEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Follows a runtime's server-sent events and keeps them. */
export class EventReader {
  readonly events: ReceivedEvent[] = [];
  readonly #abort = new AbortController();
  readonly #reading: Promise<void>;

  /** Resolves when the server has answered, so that no event after it is missed. */
  static async open(address: string): Promise<EventReader> {
    const abort = new AbortController();
    const response = await fetch(`${address}/api/v1/events`, { signal: abort.signal });
    if (!response.ok || !response.body) throw new Error(`no events: ${response.status}`);
    return new EventReader(abort, response.body);
  }

  private constructor(abort: AbortController, body: ReadableStream<Uint8Array>) {
    this.#abort = abort;
    // The stream ends with the connection, whichever side closed it or died.
    this.#reading = this.#read(body).catch(() => {});
  }

  get results(): InferenceResult[] {
    return this.events.filter(({ name }) => name === 'result').map(({ data }) => data as never);
  }

  /** Resolves when the stream has ended and everything that came was read. */
  ended(): Promise<void> {
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    }
  }

  #take(part: string): void {
    const fields = new Map(
      part.split('\n').map((line) => {
        const at = line.indexOf(': ');
        return [line.slice(0, at), line.slice(at + 2)];
      }),
    );
    const [name, data] = [fields.get('event'), fields.get('data')];
    if (name !== undefined && data !== undefined)
      this.events.push({ name, data: JSON.parse(data) });
  }
}
