import { join } from 'node:path';
import { encodeJpeg } from '../../../native/index.ts';
import { findPictures } from '../../camera/find-pictures.ts';
import type { ModelPackage } from '../../inference/package/read-package.ts';

export interface BenchPictures {
  /** Encoded, held in memory so that no disk is measured. */
  readonly pictures: readonly Uint8Array[];
  readonly origin: string;
}

const MOST_PICTURES = 64;
const MOST_BYTES = 128 * 1024 * 1024;
const MADE_UP = { width: 1280, height: 720 };

/**
 * The pictures that were named, else the package's golden ones, else a made-up one: decoding is part
 * of the time, so that pictures as the camera sends them give the figures that count.
 * @throws VedetteError of findPictures and of a file that cannot be read
 */
export async function benchPictures(
  paths: readonly string[],
  { folder, manifest }: ModelPackage,
): Promise<BenchPictures> {
  if (paths.length > 0) {
    const pictures = await readSome(paths);
    return { pictures, origin: `${pictures.length} of the pictures named` };
  }
  if (manifest.golden.length > 0) {
    const pictures = await readSome(manifest.golden.map(({ image }) => join(folder, image)));
    return { pictures, origin: `${pictures.length} golden pictures of the package` };
  }
  return {
    pictures: [madeUpPicture()],
    origin: `a made-up JPEG of ${MADE_UP.width}×${MADE_UP.height}; name pictures as your camera sends them to measure with these`,
  };
}

async function readSome(paths: readonly string[]): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  let bytes = 0;
  for (const file of (await findPictures(paths)).slice(0, MOST_PICTURES)) {
    const picture = await file.read();
    bytes += picture.byteLength;
    if (pictures.length > 0 && bytes > MOST_BYTES) break;
    pictures.push(picture);
  }
  return pictures;
}

/** Slopes with noise, which take a decoder about as long as a photograph of the size. */
function madeUpPicture(): Uint8Array {
  const { width, height } = MADE_UP;
  const data = new Uint8Array(width * height * 3);
  let state = 0x2545f491;
  for (let index = 0; index < data.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const pixel = Math.floor(index / 3);
    data[index] = ((pixel % width) / width) * 120 + (pixel / data.length) * 240 + (state & 0x0f);
  }
  return encodeJpeg({ data, width, height, format: 'rgb24' }, 90);
}
