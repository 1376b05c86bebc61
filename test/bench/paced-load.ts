import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { postPicture } from './http-load.ts';

export interface PacedLoad {
  readonly url: string;
  /** Sent in turn. */
  readonly pictures: readonly Buffer[];
  readonly requestsPerSecond: number;
  readonly durationMs: number;
}

/**
 * Requests at even distances, whether those before were answered or not, as machines on a line send
 * them. @returns milliseconds from when each was due to its answer
 */
export async function applyPacedLoad(load: PacedLoad): Promise<readonly number[]> {
  const { url, pictures, requestsPerSecond, durationMs } = load;
  const agent = new Agent({ keepAlive: true });
  const begin = performance.now();
  const asked: Promise<number>[] = [];
  try {
    for (let count = 0; ; count += 1) {
      const due = begin + (count * 1000) / requestsPerSecond;
      if (due - begin > durationMs) break;
      const waitMs = due - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const picture = pictures[count % pictures.length]!;
      asked.push(postPicture(url, picture, agent).then(() => performance.now() - due));
    }
    return await Promise.all(asked);
  } finally {
    agent.destroy();
  }
}
