import { open } from 'node:fs/promises';

export interface Tail {
  readonly text: string;
  /** Bytes of the file before it. */
  readonly cutBytes: number;
}

/** The end of a text file, from the beginning of a line. Rejects as `open` does. */
export async function readTail(file: string, maxBytes: number): Promise<Tail> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - maxBytes);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    const text = buffer.toString('utf8', 0, bytesRead);
    const line = from === 0 ? 0 : text.indexOf('\n') + 1;
    return { text: text.slice(line), cutBytes: from };
  } finally {
    await handle.close();
  }
}
