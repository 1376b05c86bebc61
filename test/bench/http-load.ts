import { Agent, request } from 'node:http';

export interface Load {
  readonly url: string;
  /** Sent in turn. */
  readonly pictures: readonly Buffer[];
  readonly clients: number;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly latenciesMs: readonly number[];
  readonly requestsPerSecond: number;
}

/** Clients that each keep one connection and send the next picture when the answer has come. */
export async function applyLoad({ url, pictures, clients, durationMs }: Load): Promise<LoadReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const latenciesMs: number[] = [];
  const begin = performance.now();
  let sent = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - begin < durationMs) {
      const picture = pictures[sent++ % pictures.length]!;
      const before = performance.now();
      await postPicture(url, picture, agent);
      latenciesMs.push(performance.now() - before);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, client));
  } finally {
    agent.destroy();
  }
  const seconds = (performance.now() - begin) / 1000;
  return { latenciesMs, requestsPerSecond: latenciesMs.length / seconds };
}

/** @returns the body of the answer */
export function postPicture(url: string, picture: Buffer, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'image/jpeg', 'content-length': picture.byteLength },
        ...(agent ? { agent } : {}),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`${url} answered ${response.statusCode}: ${body.slice(0, 300)}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(picture);
  });
}
