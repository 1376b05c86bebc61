import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeFrame,
  FrameReader,
  MAX_FRAME_BYTES,
  type Frame,
} from '../../../component/greengrass/eventstream-frames.ts';
import * as emulated from '../../support/nucleus/frame-codec.ts';

const RUNS = process.env['VEDETTE_DEEP'] === '1' ? 50_000 : 500;

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const name = fc
  .string({ minLength: 1, maxLength: 20 })
  .filter((text) => !text.startsWith(':') && text !== '__proto__');
const frame: fc.Arbitrary<Frame> = fc.record({
  type: int32,
  flags: int32,
  streamId: int32,
  headers: fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 100 }), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  payload: fc.uint8Array({ maxLength: 3000 }),
});

/** Cuts at these places. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const plain = (frames: readonly Frame[]) =>
  frames.map((one) => ({ ...one, payload: Buffer.from(one.payload).toString('hex') }));

describe('eventstream frames', () => {
  it('are read as written by another codec, however a socket cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 4 }),
        fc.array(fc.nat(20_000), { maxLength: 8 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(
            frames.map((one) =>
              emulated.encodeFrame({ ...one, payload: Buffer.from(one.payload) }),
            ),
          );
          const reader = new FrameReader();
          const read = pieces(bytes, cuts).flatMap((piece) => reader.read(piece));
          expect(plain(read)).toEqual(plain(frames));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('are written as another codec reads them', () => {
    fc.assert(
      fc.property(frame, (one) => {
        const { frames, rest } = emulated.decodeFrames(Buffer.from(encodeFrame(one)));
        expect(plain(frames)).toEqual(plain([one]));
        expect(rest.length).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  it('that were damaged are refused or awaited, never misread', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, place, change) => {
        const bytes = Buffer.from(encodeFrame(one));
        bytes[place % bytes.length]! ^= change;
        let read: Frame[] = [];
        try {
          read = new FrameReader().read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        // A damaged length may say that more is to come.
        expect(read).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('of any bytes end in frames, waiting or an error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (chunks) => {
        const reader = new FrameReader();
        try {
          for (const chunk of chunks) reader.read(chunk);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('that are too long are refused with their prelude', () => {
    const prelude = Buffer.alloc(12);
    prelude.writeUInt32BE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameReader().read(prelude)).toThrow(
      `a frame of ${MAX_FRAME_BYTES + 1} bytes`,
    );
  });
});
