import type { PartedFile } from './parted-file.ts';

export interface ReadPart {
  /** Until it is given back. */
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

/**
 * Parts of a file, read and hashed one after the other for those who send them: the first is on its way
 * while the next is read. Their rooms are used again: new ones for each part keep the garbage collector
 * busy.
 */
export class PartReader {
  readonly #file: PartedFile;
  readonly #rooms: Buffer[] = [];
  #freeRooms: number;
  /** By index, until they are taken. */
  readonly #reads = new Map<number, Promise<ReadPart & { readonly room: Buffer }>>();
  #next = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param senders how many take parts at once: so many rooms there are */
  constructor(file: PartedFile, senders: number) {
    this.#file = file;
    this.#freeRooms = senders;
    this.#readAhead();
  }

  /**
   * The part is read when the sender gets it, and its room is free again when the sender has done.
   * @param index each once, in their order
   */
  async use<T>(index: number, send: (part: ReadPart) => Promise<T>): Promise<T> {
    const read = this.#reads.get(index);
    if (!read) throw new Error(`part ${index} was taken out of its order`);
    this.#reads.delete(index);
    const { room, ...part } = await read;
    const result = await send(part);
    this.#rooms.push(room);
    this.#freeRooms += 1;
    this.#readAhead();
    return result;
  }

  /** Reads no more. */
  async close(): Promise<void> {
    this.#next = this.#file.partCount;
    await this.#last;
  }

  #readAhead(): void {
    while (this.#freeRooms > 0 && this.#next < this.#file.partCount) {
      const index = this.#next;
      this.#next += 1;
      this.#freeRooms -= 1;
      const read = this.#last.then(() => this.#read(index));
      this.#reads.set(index, read);
      // Who takes it is told; what nobody takes any more is of no interest.
      this.#last = read.catch(() => undefined);
    }
  }

  async #read(index: number) {
    const room = this.#rooms.pop() ?? this.#file.allocatePart();
    return { room, ...(await this.#file.read(index, room)) };
  }
}
