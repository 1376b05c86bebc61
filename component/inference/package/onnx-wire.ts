import type { FileHandle } from 'node:fs/promises';
import { VedetteError } from '../../contract/errors.ts';

/** One field of a protobuf message, before its content is looked at. */
export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wireType: number;
  /** Value of a varint, as far as it is a safe integer; 0 for other wire types. */
  readonly value: number;
  /** Where the content of a length-delimited field begins and ends, in bytes from the file's start. */
  readonly start: number;
  readonly end: number;
}

const WINDOW_BYTES = 64 * 1024;
const LONGEST_HEADER = 20;

/**
 * Walks protobuf messages in a file through one small window, so that gigabytes of weights are
 * skipped without being read. The caller moves from field to field with `next` and goes into a
 * field with the bounds that it carries.
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
export class OnnxWire {
  readonly byteLength: number;
  readonly #file: FileHandle;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);
  #windowStart = 0;
  #windowEnd = 0;

  constructor(file: FileHandle, byteLength: number) {
    this.#file = file;
    this.byteLength = byteLength;
  }

  /**
   * The field at `position` of a message that ends at `end`; `undefined` at its end.
   * @throws VedetteError MODEL_FILE_INVALID naming the byte and the message
   */
  async next(position: number, end: number, message: string): Promise<WireField | undefined> {
    if (position >= end) return undefined;
    const needed = Math.min(position + LONGEST_HEADER, end);
    if (position < this.#windowStart || needed > this.#windowEnd) await this.#fill(position);
    const cursor = { at: position };
    const key = this.#varint(cursor, end, message);
    const number = Math.floor(key / 8);
    const wireType = key % 8;
    if (number === 0 || number > 536_870_911) {
      throw invalid(position, `${message} has a field numbered ${number}`);
    }
    if (wireType === 0) {
      const value = this.#varint(cursor, end, message);
      return { number, wireType, value, start: cursor.at, end: cursor.at };
    }
    const length =
      wireType === 1
        ? 8
        : wireType === 5
          ? 4
          : wireType === 2
            ? this.#varint(cursor, end, message)
            : -1;
    if (length < 0) {
      throw invalid(
        position,
        `${message} has a field of wire type ${wireType}, which ONNX never uses`,
      );
    }
    if (cursor.at + length > end) {
      const room = end - cursor.at;
      const place = end === this.byteLength ? 'the file ends' : `${message} ends`;
      throw invalid(
        position,
        `field ${number} of ${message} announces ${length} bytes, but ${place} ${room} bytes later`,
      );
    }
    return { number, wireType, value: 0, start: cursor.at, end: cursor.at + length };
  }

  /** The bytes of a field, at most `limit` of them. @throws VedetteError MODEL_FILE_INVALID when longer */
  async bytes(field: WireField, limit: number, message: string): Promise<Buffer> {
    const length = field.end - field.start;
    if (length > limit) {
      throw invalid(
        field.start,
        `field ${field.number} of ${message} has ${length} bytes where at most ${limit} are read`,
      );
    }
    if (field.start >= this.#windowStart && field.end <= this.#windowEnd) {
      return Buffer.from(
        this.#window.subarray(field.start - this.#windowStart, field.end - this.#windowStart),
      );
    }
    const bytes = Buffer.allocUnsafe(length);
    await this.#read(bytes, field.start, length);
    return bytes;
  }

  async text(field: WireField, limit: number, message: string): Promise<string> {
    return (await this.bytes(field, limit, message)).toString('utf8');
  }

  /** A varint that must be a safe integer; ONNX's negative numbers (ten bytes) come out as -1. */
  #varint(cursor: { at: number }, end: number, message: string): number {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      if (cursor.at >= end) {
        throw invalid(cursor.at, `${message} is cut short in the middle of a number`);
      }
      const byte = this.#window[cursor.at - this.#windowStart]!;
      cursor.at += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : -1;
    }
    throw invalid(cursor.at, `${message} holds a number of more than ten bytes`);
  }

  async #fill(position: number): Promise<void> {
    const length = Math.min(WINDOW_BYTES, this.byteLength - position);
    this.#windowStart = position;
    this.#windowEnd = position;
    await this.#read(this.#window, position, length);
    this.#windowEnd = position + length;
  }

  async #read(into: Buffer, position: number, length: number): Promise<void> {
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file.read(into, done, length - done, position + done);
      if (bytesRead === 0)
        throw invalid(position + done, 'the file became shorter while it was read');
      done += bytesRead;
    }
  }
}

/** Visits the fields of a message that lies from `start` to `end`, one after another. */
export async function eachField(
  wire: OnnxWire,
  start: number,
  end: number,
  message: string,
  visit: (field: WireField) => Promise<void> | void,
): Promise<void> {
  let position = start;
  for (;;) {
    const field = await wire.next(position, end, message);
    if (!field) return;
    const pending = visit(field);
    if (pending) await pending;
    position = field.end;
  }
}

const MAX_STRING_BYTES = 64 * 1024;

/** A name or another short text. */
export const short = (wire: OnnxWire, field: WireField): Promise<string> =>
  wire.text(field, MAX_STRING_BYTES, 'the model');

/** StringStringEntryProto: key 1, value 2; the value has at most `limit` bytes. */
export async function readEntry(
  wire: OnnxWire,
  entry: WireField,
  limit = MAX_STRING_BYTES,
): Promise<{ key: string; value: string }> {
  let key = '';
  let value = '';
  await eachField(wire, entry.start, entry.end, 'an entry', async (field) => {
    if (field.wireType !== 2) return;
    if (field.number === 1) key = await wire.text(field, MAX_STRING_BYTES, 'an entry');
    if (field.number === 2) value = await wire.text(field, limit, 'an entry');
  });
  return { key, value };
}

export function invalid(byteOffset: number, problem: string): VedetteError {
  return new VedetteError(
    'MODEL_FILE_INVALID',
    `not a whole ONNX file: at byte ${byteOffset}, ${problem}`,
    { details: { byteOffset } },
  );
}
