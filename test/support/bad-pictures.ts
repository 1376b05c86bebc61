import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

type Bytes = Buffer<ArrayBuffer>;

const own = (buffer: Buffer): Bytes => Buffer.from(buffer);

/** The first part of a file, as a full disk or a lost connection leaves it. */
export const cutShort = (picture: Uint8Array, fraction: number): Bytes =>
  own(Buffer.from(picture).subarray(0, Math.floor(picture.length * fraction)));

/** The picture as a JPEG of four inks. */
export const cmykJpeg = async (picture: Uint8Array): Promise<Bytes> =>
  own(await sharp(picture).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer());

/** The picture with 16 bits a sample. */
export const deepPng = async (picture: Uint8Array): Promise<Bytes> =>
  own(await sharp(picture).toColourspace('rgb16').png().toBuffer());

/** A picture that lies on its side in the file and says so: turn it clockwise to see it upright. */
export const lyingJpeg = async (picture: Uint8Array): Promise<Bytes> =>
  own(
    await sharp(picture)
      .rotate(-90)
      .jpeg({ quality: 98, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation: 6 })
      .toBuffer(),
  );

/** A white PNG of so many pixels and hardly any bytes, all of it there. */
export function hugePng(width: number, height: number): Bytes {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // One bit a pixel, grey levels.
  header.set([1, 0, 0, 0, 0], 8);
  const row = Math.ceil(width / 8) + 1;
  const pixels = deflateSync(Buffer.alloc(row * height, 0xff).fill(0, 0, 1), { level: 1 });
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A PNG of a few bytes whose header gives this size. */
export function lyingPng(width: number, height: number): Bytes {
  const bytes = hugePng(16, 16);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

/** A JPEG that announces another size than its data has. */
export function announcing(jpeg: Uint8Array, width: number, height: number): Bytes {
  const bytes = own(Buffer.from(jpeg));
  for (let at = 2; bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at + 1]! < 0xc0 || bytes[at + 1]! > 0xc2) continue;
    bytes.writeUInt16BE(height, at + 5);
    bytes.writeUInt16BE(width, at + 7);
    return bytes;
  }
  throw new Error('no frame header found');
}

/** Bytes without meaning, the same each time. */
export function noise(byteLength: number): Bytes {
  const bytes = Buffer.alloc(byteLength);
  let state = 0x2545f491;
  for (let at = 0; at < byteLength; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

/** A picture of one grey level. */
export const plainPng = async (grey: number, side = 8): Promise<Bytes> =>
  own(
    await sharp({
      create: { width: side, height: side, channels: 3, background: { r: grey, g: grey, b: grey } },
    })
      .png()
      .toBuffer(),
  );
