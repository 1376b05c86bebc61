import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const street = path.join(import.meta.dirname, '..', '..', 'samples', 'images', 'street');

/**
 * JPEGs for a fuzz target to begin with: pictures of a camera, and a small one of every kind that the
 * decoder tells apart. Behind each lie the bytes by which the target chooses region, turn and resize.
 */
export async function writeJpegSeeds(folder) {
  const names = readdirSync(street).filter((name) => name.endsWith('.jpg'));
  const write = (name, picture) =>
    writeFileSync(path.join(folder, name), Buffer.concat([picture, Buffer.alloc(12, name)]));
  for (const name of names) write(name, readFileSync(path.join(street, name)));
  const small = () => sharp(path.join(street, names[0])).resize(45, 34);
  const kinds = {
    baseline: small().jpeg({ chromaSubsampling: '4:2:0' }),
    whole: small().jpeg({ chromaSubsampling: '4:4:4' }),
    progressive: small().jpeg({ progressive: true }),
    gray: small().greyscale().jpeg(),
    cmyk: small().toColourspace('cmyk').jpeg(),
    'cmyk-progressive': small().toColourspace('cmyk').jpeg({ progressive: true }),
    turned: small().withMetadata({ orientation: 6 }).jpeg(),
  };
  for (const [name, picture] of Object.entries(kinds)) {
    write(`seed-${name}.jpg`, await picture.toBuffer());
  }
  write('seed-restart.jpg', await restartJpeg(6));
}

/**
 * A grayscale JPEG of blocks in a row with a restart marker behind each: libvips writes none, but as
 * every interval begins anew, the data of a picture of one block serves for each of them.
 * @param {number} blocks at least 1
 * @returns {Promise<Buffer>}
 */
export async function restartJpeg(blocks) {
  const block = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#777' } })
    .greyscale()
    .jpeg({ optimiseCoding: false })
    .toBuffer();
  const scan = block.indexOf(Buffer.from([0xff, 0xda]));
  const data = scan + 2 + block.readUInt16BE(scan + 2);
  const frame = block.indexOf(Buffer.from([0xff, 0xc0]));
  const head = Buffer.from(block.subarray(0, data));
  head.writeUInt16BE(8 * blocks, frame + 7);
  const interval = Buffer.from([0xff, 0xdd, 0, 4, 0, 1]);
  const pieces = [head.subarray(0, scan), interval, head.subarray(scan)];
  for (let index = 0; index < blocks; index++) {
    if (index > 0) pieces.push(Buffer.from([0xff, 0xd0 + ((index - 1) % 8)]));
    pieces.push(block.subarray(data, -2));
  }
  return Buffer.concat([...pieces, block.subarray(-2)]);
}
