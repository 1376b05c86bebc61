/**
 * One picture of an encoded stream: a fragment (`moof` and `mdat`) of fragmented MP4 (ISO/IEC
 * 14496-12, 8.8), which holds one frame.
 */
export interface EncodedFrame {
  readonly bytes: Uint8Array;
  /** Presentation time in units of `TICKS_PER_SECOND`, on the clock of the decoded frames. */
  readonly ticks: number;
  /** What ffmpeg takes for the time of capture, in milliseconds since 1970, see FrameTimes. */
  readonly ntpMs: number;
  /** Whether decoding may begin with it. */
  readonly isKey: boolean;
}

export interface EncodedStream {
  /** What a file of its frames begins with: `ftyp` and `moov`. */
  header(bytes: Uint8Array): void;
  frame(frame: EncodedFrame): void;
  /** The stream is over. */
  end(): void;
}

export const TICKS_PER_SECOND = 90_000;
/** Larger boxes are no picture of a camera: reading on would fill the memory. */
const MAX_BOX_BYTES = 64 * 1024 * 1024;
/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_TO_UNIX_SECONDS = 2_208_988_800;
/** `sample_is_non_sync_sample` (14496-12, 8.8.3.1). */
const NON_SYNC = 0x1_0000;

interface Box {
  readonly type: string;
  /** With its head of 8 bytes. */
  readonly bytes: Buffer;
}

/**
 * Takes fragmented MP4 with one frame per fragment and a producer reference time (`prft`, 8.16.5)
 * before each apart, as ffmpeg writes it with `frag_every_frame` and `-write_prft`. What is no such
 * stream ends the reading: nothing is told any more.
 */
export class FragmentReader {
  readonly #stream: EncodedStream;
  #pending: Buffer = Buffer.alloc(0);
  #head: Buffer[] = [];
  #hasHeader = false;
  #time: Pick<EncodedFrame, 'ticks' | 'ntpMs'> | undefined;
  #moof: Buffer | undefined;
  #isBroken = false;

  constructor(stream: EncodedStream) {
    this.#stream = stream;
  }

  /** Takes the next bytes, which may end anywhere. */
  push(chunk: Buffer): void {
    if (this.#isBroken) return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (this.#pending.length - at >= 8) {
      const size = this.#pending.readUInt32BE(at);
      if (size < 8 || size > MAX_BOX_BYTES) {
        this.#isBroken = true;
        this.#pending = Buffer.alloc(0);
        return;
      }
      if (this.#pending.length - at < size) break;
      const bytes = this.#pending.subarray(at, at + size);
      this.#take({ type: bytes.toString('latin1', 4, 8), bytes });
      at += size;
    }
    this.#pending = this.#pending.subarray(at);
  }

  #take({ type, bytes }: Box): void {
    switch (type) {
      case 'ftyp':
        this.#head = [bytes];
        return;
      case 'moov':
        this.#hasHeader = true;
        this.#stream.header(Buffer.concat([...this.#head, bytes]));
        return;
      case 'prft':
        this.#time = referenceTime(bytes);
        return;
      case 'moof':
        this.#moof = bytes;
        return;
      case 'mdat':
        this.#emit(bytes);
    }
  }

  #emit(mdat: Buffer): void {
    const [moof, time] = [this.#moof, this.#time];
    this.#moof = undefined;
    this.#time = undefined;
    if (!this.#hasHeader || moof === undefined || time === undefined) return;
    const bytes = Buffer.concat([moof, mdat]);
    this.#stream.frame({ bytes, ...time, isKey: isKeyFragment(moof) });
  }
}

/** Version 1 alone is written by ffmpeg: flags, track, NTP time (seconds, fraction), media time. */
function referenceTime(prft: Buffer): Pick<EncodedFrame, 'ticks' | 'ntpMs'> | undefined {
  if (prft.length < 32 || prft[8] !== 1) return undefined;
  const ticks = Number(prft.readBigInt64BE(24));
  const seconds = prft.readUInt32BE(16) - NTP_TO_UNIX_SECONDS;
  const ntpMs = seconds * 1000 + (prft.readUInt32BE(20) / 2 ** 32) * 1000;
  return { ticks, ntpMs };
}

/** The boxes inside of `bytes[from…]`, as far as they are whole. */
function* boxesIn(bytes: Buffer, from: number): Generator<Box> {
  for (let at = from; bytes.length - at >= 8;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || size > bytes.length - at) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, at + size) };
    at += size;
  }
}

/** By the flags of its first sample, in `trun` (8.8.8) or, for all, in `tfhd` (8.8.7). */
function isKeyFragment(moof: Buffer): boolean {
  let flags: number | undefined;
  for (const traf of boxesIn(moof, 8)) {
    if (traf.type !== 'traf') continue;
    for (const { type, bytes } of boxesIn(traf.bytes, 8)) {
      if (bytes.length < 16) continue;
      const present = bytes.readUIntBE(9, 3);
      if (type === 'tfhd' && (present & 0x20) !== 0) flags ??= bytes.readUInt32BE(bytes.length - 4);
      if (type === 'trun' && (present & 0x404) !== 0) flags = firstSampleFlags(bytes, present);
    }
  }
  return flags !== undefined && (flags & NON_SYNC) === 0;
}

function firstSampleFlags(trun: Buffer, present: number): number | undefined {
  const offset = 16 + ((present & 1) === 0 ? 0 : 4);
  const at =
    (present & 0x4) !== 0
      ? offset
      : offset + ((present & 0x100) === 0 ? 0 : 4) + ((present & 0x200) === 0 ? 0 : 4);
  return at + 4 <= trun.length ? trun.readUInt32BE(at) : undefined;
}
