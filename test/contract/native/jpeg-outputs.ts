/**
 * Prints one line for each of many tensors made of the sample JPEGs, with a hash of its bytes, and one
 * for each picture encoded again: on every processor and under every VEDETTE_KERNEL the same.
 * Usage: node jpeg-outputs.ts <folder with JPEGs>
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { byteSpec } from './byte-spec.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../../component/contract/tensor.ts';
import { encodeJpeg, inspectImage, jpegToTensor } from '../../../native/index.ts';

const MAX_PIXELS = 100_000_000;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const specOf = (width: number, height: number, change: Partial<TensorSpec> = {}) =>
  byteSpec(width, height, { padValue: 114, ...change });

function printPicture(title: string, data: Uint8Array): void {
  const { width, height } = inspectImage(data);
  const whole = specOf(width, height, {});
  const pixels = new Uint8Array(tensorElements(whole));
  jpegToTensor(data, WHOLE_FRAME, whole, pixels, MAX_PIXELS);
  console.log(`${title} ${width}×${height} ${hash(pixels)}`);
  for (const interpolation of ['bilinear', 'area', 'bicubic-antialias'] as const) {
    const spec = specOf(224, 224, {
      interpolation,
      layout: 'nchw',
      dtype: 'float32',
      resize: 'letterbox',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    const out = new Float32Array(tensorElements(spec));
    jpegToTensor(data, WHOLE_FRAME, spec, out, MAX_PIXELS);
    console.log(`${title} ${interpolation} ${hash(new Uint8Array(out.buffer))}`);
  }
  const again = encodeJpeg({ data: pixels, width, height, format: 'rgb24' }, 85);
  console.log(`${title} encoded ${hash(again)}`);
}

const folder = process.argv[2] ?? '';
for (const name of (await readdir(folder, { recursive: true })).sort()) {
  if (name.endsWith('.jpg')) printPicture(name, await readFile(path.join(folder, name)));
}
