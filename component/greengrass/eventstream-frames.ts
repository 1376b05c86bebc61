import { EventStreamCodec } from '@smithy/core/event-streams';

/** Kinds of message and their flags: greengrass' eventstream RPC over a Unix socket. */
export const MESSAGE = {
  application: 0,
  error: 1,
  ping: 2,
  pingResponse: 3,
  connect: 4,
  connectAck: 5,
  protocolError: 6,
  internalError: 7,
} as const;
export const FLAG = { none: 0, accepted: 1, terminate: 2 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** String headers beside the three above. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** Largest frame that the classic nucleus sends or takes, in bytes. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Length, length of the headers, and the sum of both. */
const PRELUDE_BYTES = 12;
/** The prelude and the sum of the whole. */
const FRAME_OVERHEAD_BYTES = PRELUDE_BYTES + 4;

const codec = new EventStreamCodec(
  (bytes) =>
    typeof bytes === 'string'
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

export function encodeFrame({ type, flags, streamId, headers, payload }: Frame): Uint8Array {
  const integer = (value: number) => ({ type: 'integer' as const, value });
  const texts = Object.entries(headers).map(
    ([name, value]) => [name, { type: 'string' as const, value }] as const,
  );
  return codec.encode({
    headers: {
      ':message-type': integer(type),
      ':message-flags': integer(flags),
      ':stream-id': integer(streamId),
      ...Object.fromEntries(texts),
    },
    body: payload,
  });
}

/** Puts together what a socket gives in pieces of any size. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /**
   * The frames that are whole with these bytes.
   * @throws Error when they are no frames: wrong lengths, sums or headers, more than MAX_FRAME_BYTES
   */
  read(bytes: Uint8Array): Frame[] {
    this.#pieces.push(bytes);
    this.#length += bytes.byteLength;
    const frames: Frame[] = [];
    for (;;) {
      const wanted = this.#frameBytes();
      if (wanted === undefined || this.#length < wanted) return frames;
      const whole = this.#joined();
      frames.push(decodeFrame(whole.subarray(0, wanted)));
      this.#pieces = [whole.subarray(wanted)];
      this.#length -= wanted;
    }
  }

  /** Of the first frame; `undefined` until its prelude is there. */
  #frameBytes(): number | undefined {
    if (this.#length < PRELUDE_BYTES) return undefined;
    const [first] = this.#pieces;
    const start = first!.byteLength >= PRELUDE_BYTES ? first! : this.#joined();
    const view = new DataView(start.buffer, start.byteOffset, PRELUDE_BYTES);
    const [whole, headers] = [view.getUint32(0), view.getUint32(4)];
    if (whole > MAX_FRAME_BYTES || whole < FRAME_OVERHEAD_BYTES + headers) {
      throw new Error(`a frame of ${whole} bytes with ${headers} bytes of headers`);
    }
    return whole;
  }

  #joined(): Uint8Array {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}

function decodeFrame(bytes: Uint8Array): Frame {
  const { headers, body } = codec.decode(bytes);
  const integer = (name: string): number => {
    const header = headers[name];
    if (header?.type === 'integer') return header.value;
    throw new Error(`a frame without the number ${name}`);
  };
  const texts = Object.entries(headers).flatMap(([name, header]) =>
    header.type === 'string' ? [[name, header.value] as const] : [],
  );
  return {
    type: integer(':message-type'),
    flags: integer(':message-flags'),
    streamId: integer(':stream-id'),
    headers: Object.fromEntries(texts),
    payload: body,
  };
}
