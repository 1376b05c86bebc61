import sharp, { type OverlayOptions } from 'sharp';
import type { RgbPicture } from '../../native/picture-to-rgb.ts';
import type { Size } from '../contract/frame.ts';
import type { AnomalyMap } from '../contract/ports.ts';
import { colourAnomalyMap, drawOverlay, type Overlay } from './draw-overlay.ts';

/**
 * A JPEG of a picture with the overlay on it, in the picture's own size.
 * @param picture of the whole upright picture, in whose source pixels the overlay is given
 */
export async function drawPicture(
  picture: RgbPicture,
  { overlay, quality }: { readonly overlay: Overlay; readonly quality: number },
): Promise<Uint8Array<ArrayBuffer>> {
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
  return new Uint8Array(jpeg);
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
