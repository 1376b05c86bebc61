/** What came out of a stream of JPEG pictures. */
export type SplitPicture =
  /** A complete picture; `data` is valid until the iteration goes on. */
  | { readonly kind: 'jpeg'; readonly data: Uint8Array }
  /** A picture that was begun and is damaged or cut short; the stream goes on behind it. */
  | { readonly kind: 'broken'; readonly byteLength: number }
  /** A picture of more than the allowed bytes, skipped without being kept. */
  | { readonly kind: 'too-large'; readonly byteLength: number };

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;
const isRestart = (code: number) => code >= 0xd0 && code <= 0xd7;

type State =
  | 'outside' // between pictures, looking for FF
  | 'outside-ff' // an FF was seen, D8 would begin a picture
  | 'outside-soi' // FF D8 was seen, an FF confirms it
  | 'marker' // inside a picture, an FF must come
  | 'code' // an FF came, the marker's code follows
  | 'length-high'
  | 'length-low'
  | 'segment' // inside a marker's segment
  | 'scan' // inside entropy-coded data
  | 'scan-ff'; // an FF inside entropy-coded data

/**
 * Cuts a stream of concatenated JPEGs into pictures by walking their markers (ITU-T T.81, annex B),
 * so that a thumbnail inside an APP1 segment is not taken for a picture. Bytes between pictures are
 * skipped; a damaged picture costs itself, not the ones behind it. Memory stays below
 * `maxPictureBytes`, whatever comes.
 */
export class JpegSplitter {
  readonly #maxPictureBytes: number;
  #state: State = 'outside';
  #afterSegment: State = 'marker';
  #segmentLeft = 0;
  /** The part of the current picture that came with earlier chunks. */
  #kept = new Uint8Array(0);
  #keptLength = 0;
  /** Bytes of the current picture before the current chunk; more than kept when it is too large. */
  #lengthBefore = 0;
  /** Where the current picture goes on in the current chunk. */
  #start = 0;

  constructor(maxPictureBytes: number) {
    this.#maxPictureBytes = maxPictureBytes;
  }

  /** Takes the next bytes of the stream. The chunk must not change during the iteration. */
  *push(chunk: Uint8Array): Generator<SplitPicture, void> {
    this.#start = 0;
    let at = 0;
    while (at < chunk.length) {
      // The two states that see most bytes look for the next FF natively.
      if (this.#state === 'scan' || this.#state === 'outside') {
        const found = chunk.indexOf(0xff, at);
        if (found < 0) break;
        at = found;
      } else if (this.#state === 'segment') {
        const step = Math.min(this.#segmentLeft, chunk.length - at);
        this.#segmentLeft -= step;
        at += step;
        if (this.#segmentLeft === 0) this.#state = this.#afterSegment;
        continue;
      }
      const picture = this.#step(chunk, at);
      at += 1;
      if (picture !== undefined) yield picture;
    }
    if (this.#isInside) this.#keep(chunk);
  }

  /** The end of the stream: the picture that was begun and will not be finished, if there is one. */
  end(): SplitPicture | undefined {
    const wasInside = this.#isInside;
    const byteLength = this.#lengthBefore;
    this.#forget();
    this.#state = 'outside';
    return wasInside ? { kind: 'broken', byteLength } : undefined;
  }

  get #isInside(): boolean {
    return !this.#state.startsWith('outside');
  }

  /** One byte in one of the states that look at single bytes. */
  #step(chunk: Uint8Array, at: number): SplitPicture | undefined {
    const byte = chunk[at]!;
    switch (this.#state) {
      case 'outside':
        this.#state = 'outside-ff';
        return undefined;
      case 'outside-ff':
        this.#state = byte === SOI ? 'outside-soi' : byte === 0xff ? 'outside-ff' : 'outside';
        return undefined;
      case 'outside-soi':
        if (byte === 0xff) this.#begin(at);
        else this.#state = 'outside';
        return undefined;
      case 'marker':
        if (byte === 0xff) this.#state = 'code';
        else return this.#abandon(at);
        return undefined;
      case 'code':
        return this.#marker(chunk, at, byte);
      case 'length-high':
        this.#segmentLeft = byte << 8;
        this.#state = 'length-low';
        return undefined;
      case 'length-low':
        // The length counts its own two bytes.
        this.#segmentLeft += byte - 2;
        if (this.#segmentLeft < 0) return this.#abandon(at);
        this.#state = this.#segmentLeft === 0 ? this.#afterSegment : 'segment';
        return undefined;
      case 'scan':
        this.#state = 'scan-ff';
        return undefined;
      case 'scan-ff':
        if (byte === 0x00 || isRestart(byte)) this.#state = 'scan';
        else if (byte !== 0xff) return this.#marker(chunk, at, byte);
        return undefined;
      case 'segment':
        return undefined;
    }
  }

  #marker(chunk: Uint8Array, at: number, code: number): SplitPicture | undefined {
    if (code === 0xff) {
      this.#state = 'code'; // fill bytes
      return undefined;
    }
    if (code === EOI) return this.#finish(chunk, at + 1);
    if (code === SOI) {
      // The next picture begins inside this one: this one was cut short.
      const broken = this.#abandon(at - 1);
      this.#state = 'outside-soi';
      return broken;
    }
    if (code === 0x00) return this.#abandon(at);
    if (code === TEM || isRestart(code)) {
      this.#state = 'marker';
      return undefined;
    }
    this.#afterSegment = code === SOS ? 'scan' : 'marker';
    this.#state = 'length-high';
    return undefined;
  }

  /** `FF D8 FF` ends at `at`; its first two bytes may have come with the chunk before. */
  #begin(at: number): void {
    this.#forget();
    this.#state = 'code';
    const missing = Math.max(0, 2 - at);
    if (missing > 0) this.#append(Uint8Array.of(0xff, SOI).subarray(0, missing));
    this.#lengthBefore = missing;
    this.#start = at - 2 + missing;
  }

  #finish(chunk: Uint8Array, end: number): SplitPicture {
    const byteLength = this.#lengthBefore + end - this.#start;
    this.#state = 'outside';
    if (byteLength > this.#maxPictureBytes) {
      this.#forget();
      return { kind: 'too-large', byteLength };
    }
    const tail = chunk.subarray(this.#start, end);
    let data = tail;
    if (this.#keptLength > 0) {
      this.#append(tail);
      data = this.#kept.subarray(0, this.#keptLength);
    }
    this.#forget();
    return { kind: 'jpeg', data };
  }

  #abandon(end: number): SplitPicture {
    const byteLength = Math.max(0, this.#lengthBefore + end - this.#start);
    this.#forget();
    this.#state = 'outside';
    return byteLength > this.#maxPictureBytes
      ? { kind: 'too-large', byteLength }
      : { kind: 'broken', byteLength };
  }

  #keep(chunk: Uint8Array): void {
    const tail = chunk.subarray(this.#start);
    this.#lengthBefore += tail.length;
    if (this.#lengthBefore <= this.#maxPictureBytes) this.#append(tail);
    else this.#keptLength = 0;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#keptLength + bytes.length;
    if (length > this.#kept.length) {
      const grown = new Uint8Array(
        Math.min(this.#maxPictureBytes, Math.max(length, this.#kept.length * 2, 65_536)),
      );
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(bytes, this.#keptLength);
    this.#keptLength = length;
  }

  #forget(): void {
    this.#keptLength = 0;
    this.#lengthBefore = 0;
  }
}
