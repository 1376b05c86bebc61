import { parentPort } from 'node:worker_threads';
import { encodeJpeg, FrameRing, rawImageOf } from '../../native/index.ts';
import { decodeToRgb, rawToRgb, type RgbPicture } from '../../native/picture-to-rgb.ts';
import { VedetteError } from '../contract/errors.ts';
import {
  RAW_PIXEL_FORMATS,
  type EncodedFormat,
  type FrameLease,
  type FrameView,
  type RawPixelFormat,
  type Size,
} from '../contract/frame.ts';
import { lumaOf } from '../camera/picture-measures.ts';
import { ScaledPicture } from '../inference/picture-scaling.ts';
import { drawPicture } from './draw-picture.ts';
import type { DrawOptions, EncodedPicture, PictureAnswer, PictureOrder } from './pictures.ts';

const CAPTURE_QUALITY = 92;
/** Of pictures that are measured. */
const LUMA_SIZE: Size = { width: 320, height: 640 };

const rings = new Map<number, FrameRing>();
const port = parentPort;
if (!port) throw new VedetteError('INTERNAL', 'picture-worker.ts runs as a worker thread only');

port.on('message', (order: PictureOrder) => {
  void fulfil(order).then((answer) => {
    if (!('picture' in answer)) return port.postMessage(answer);
    const { picture } = answer;
    const bytes = 'luma' in picture ? picture.luma : picture.bytes;
    port.postMessage(answer, [bytes.buffer as ArrayBuffer]);
  });
});

async function fulfil(order: PictureOrder): Promise<PictureAnswer> {
  const { id, frame, view, maxPixels, task } = order;
  try {
    if (frame instanceof Uint8Array) {
      const picture = lumaOf(await decodeToRgb(frame, view, LUMA_SIZE, maxPixels));
      return { id, picture };
    }
    switch (task.kind) {
      case 'draw':
        return { id, picture: await draw(frame, view, maxPixels, task.options) };
      case 'encode':
        return { id, picture: await encode(frame, view, maxPixels) };
      case 'luma':
        return { id, picture: lumaOf(await toRgb(frame, view, maxPixels, LUMA_SIZE)) };
    }
  } catch (thrown) {
    return { id, error: VedetteError.from(thrown).serialize() };
  }
}

/** The used bytes of a slot, in place. */
function bytesOf(frame: FrameLease): Uint8Array {
  const ring = rings.get(frame.ringId) ?? FrameRing.attach(frame.ringId);
  rings.set(frame.ringId, ring);
  return ring.bytes(frame.slot).subarray(0, frame.byteLength);
}

const isRaw = (format: FrameLease['format']): format is RawPixelFormat =>
  (RAW_PIXEL_FORMATS as readonly string[]).includes(format);

/** The whole upright picture; a region limits what the model sees, not what people see. */
async function toRgb(
  frame: FrameLease,
  view: FrameView,
  maxPixels: number,
  maxSize?: Size,
): Promise<RgbPicture> {
  const whole: FrameView = { rotation: view.rotation, flip: view.flip };
  const data = bytesOf(frame);
  if (!isRaw(frame.format)) return decodeToRgb(data, whole, maxSize, maxPixels);
  const picture = rawToRgb(rawImageOf(frame, frame.format, data), whole, maxSize);
  if (frame.scaledFrom === undefined) return picture;
  // The overlay is given in pixels of the picture that the camera sent.
  const source = new ScaledPicture(frame, frame.scaledFrom).sourceSize(whole);
  return { ...picture, source, region: { x: 0, y: 0, ...source } };
}

async function encode(
  frame: FrameLease,
  view: FrameView,
  maxPixels: number,
): Promise<EncodedPicture> {
  const isTurned = view.rotation !== 0 || view.flip !== 'none';
  if (!isRaw(frame.format) && !isTurned) {
    return { bytes: new Uint8Array(bytesOf(frame)), format: frame.format as EncodedFormat };
  }
  const picture = await toRgb(frame, view, maxPixels);
  return { bytes: encodeJpeg(picture, CAPTURE_QUALITY), format: 'jpeg' };
}

async function draw(
  frame: FrameLease,
  view: FrameView,
  maxPixels: number,
  options: DrawOptions,
): Promise<EncodedPicture> {
  const { maxWidth } = options;
  const picture = await toRgb(frame, view, maxPixels, { width: maxWidth, height: 2 * maxWidth });
  return { bytes: await drawPicture(picture, options), format: 'jpeg' };
}
