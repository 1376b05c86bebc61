import { crc32 } from 'node:zlib';

/** Eventstream RPC as Greengrass speaks it on its Unix socket. */
export const MESSAGE = {
  application: 0,
  error: 1,
  ping: 2,
  pingResponse: 3,
  connect: 4,
  connectAck: 5,
} as const;
export const FLAG = { none: 0, accepted: 1, terminate: 2 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** String headers beside the three above. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

const INT32 = 4;
const BYTES = 6;
const STRING = 7;
/** Bytes of a value by its type; those with a length of their own are read apart. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0: 0,
  1: 0,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  8: 8,
  9: 16,
};

export function encodeFrame({ type, flags, streamId, headers, payload }: Frame): Buffer {
  const encoded = Buffer.concat([
    int32Header(':message-type', type),
    int32Header(':message-flags', flags),
    int32Header(':stream-id', streamId),
    ...Object.entries(headers).map(([name, value]) => stringHeader(name, value)),
  ]);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(encoded.length + payload.length + 16, 0);
  prelude.writeUInt32BE(encoded.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const body = Buffer.concat([prelude, encoded, payload]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([body, sum]);
}

/** Takes whole frames off the front of `bytes`. Throws when one contradicts its sums. */
export function decodeFrames(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 12 && rest.length >= rest.readUInt32BE(0)) {
    const length = rest.readUInt32BE(0);
    frames.push(decodeFrame(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  return { frames, rest };
}

function decodeFrame(bytes: Buffer): Frame {
  const headersEnd = 12 + bytes.readUInt32BE(4);
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) throw new Error('wrong prelude sum');
  if (bytes.readUInt32BE(bytes.length - 4) !== crc32(bytes.subarray(0, -4))) {
    throw new Error('wrong sum of a frame');
  }
  const numbers: Record<string, number> = {};
  const headers: Record<string, string> = {};
  for (let at = 12; at < headersEnd;) {
    const nameLength = bytes.readUInt8(at);
    const name = bytes.toString('utf8', at + 1, at + 1 + nameLength);
    at += 1 + nameLength;
    const type = bytes.readUInt8(at);
    at += 1;
    if (type === INT32) numbers[name] = bytes.readInt32BE(at);
    const isVariable = type === BYTES || type === STRING;
    const length = isVariable ? bytes.readUInt16BE(at) : (FIXED_BYTES[type] ?? 0);
    at += isVariable ? 2 : 0;
    if (type === STRING) headers[name] = bytes.toString('utf8', at, at + length);
    at += length;
  }
  return {
    type: numbers[':message-type'] ?? -1,
    flags: numbers[':message-flags'] ?? 0,
    streamId: numbers[':stream-id'] ?? -1,
    headers,
    payload: bytes.subarray(headersEnd, -4),
  };
}

function headerName(name: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)]);
}

function int32Header(name: string, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(INT32, 0);
  bytes.writeInt32BE(value, 1);
  return Buffer.concat([headerName(name), bytes]);
}

function stringHeader(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const bytes = Buffer.alloc(3);
  bytes.writeUInt8(STRING, 0);
  bytes.writeUInt16BE(text.length, 1);
  return Buffer.concat([headerName(name), bytes, text]);
}
