import { parentPort } from 'node:worker_threads';
import sharp, { type OverlayOptions } from 'sharp';
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
import type { AnomalyMap } from '../contract/ports.ts';
import { colourAnomalyMap, drawOverlay } from './draw-overlay.ts';
import type { DrawOptions, EncodedPicture, PictureAnswer, PictureOrder } from './pictures.ts';

const CAPTURE_QUALITY = 92;

const rings = new Map<number, FrameRing>();
const port = parentPort;
if (!port) throw new VedetteError('INTERNAL', 'picture-worker.ts runs as a worker thread only');

port.on('message', (order: PictureOrder) => {
  void fulfil(order).then((answer) => {
    const transfer = 'picture' in answer ? [answer.picture.bytes.buffer] : [];
    port.postMessage(answer, transfer);
  });
});

async function fulfil(order: PictureOrder): Promise<PictureAnswer> {
  const { id, frame, view, maxPixels, task } = order;
  try {
    const picture =
      task.kind === 'draw'
        ? await draw(frame, view, maxPixels, task.options)
        : await encode(frame, view, maxPixels);
    return { id, picture };
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
  return rawToRgb(rawImageOf(frame, frame.format, data), whole, maxSize);
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
  { overlay, maxWidth, quality }: DrawOptions,
): Promise<EncodedPicture> {
  const picture = await toRgb(frame, view, maxPixels, { width: maxWidth, height: 2 * maxWidth });
  const { width, height, source } = picture;
  const layers: OverlayOptions[] = [];
  if (overlay.anomalyMap) {
    layers.push(await heatLayer(overlay.anomalyMap, width / source.width, { width, height }));
  }
  layers.push({ input: Buffer.from(drawOverlay(overlay, source, { width, height })) });
  const jpeg = await sharp(picture.data, { raw: { width, height, channels: 3 } })
    .composite(layers)
    .jpeg({ quality })
    .toBuffer();
  return { bytes: new Uint8Array(jpeg), format: 'jpeg' };
}

async function heatLayer(map: AnomalyMap, scale: number, canvas: Size): Promise<OverlayOptions> {
  const left = Math.round(map.region.x * scale);
  const top = Math.round(map.region.y * scale);
  const width = Math.max(1, Math.min(canvas.width - left, Math.round(map.region.width * scale)));
  const height = Math.max(1, Math.min(canvas.height - top, Math.round(map.region.height * scale)));
  const input = await sharp(colourAnomalyMap(map), {
    raw: { width: map.width, height: map.height, channels: 4 },
  })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return { input, left, top };
}
