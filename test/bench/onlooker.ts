import { get, type IncomingMessage } from 'node:http';

/** A client that keeps a stream open and reads what comes, as a browser does. */
export class Onlooker {
  #bytes = 0;
  readonly #response: IncomingMessage;

  static open(url: string): Promise<Onlooker> {
    return new Promise((resolve, reject) => {
      const request = get(url, (response) => {
        if (response.statusCode === 200) resolve(new Onlooker(response));
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
      request.on('error', reject);
    });
  }

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.on('data', (chunk: Buffer) => (this.#bytes += chunk.byteLength));
    // The server ends the stream when it closes.
    response.on('error', () => undefined);
  }

  get bytes(): number {
    return this.#bytes;
  }

  close(): void {
    this.#response.destroy();
  }
}
