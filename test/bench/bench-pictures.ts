import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import type { RawImage } from '../../native/index.ts';

const FULL_HD = { width: 1920, height: 1080 };

/** A frame of the walkway as its camera would send it: JPEG, 768×576. */
export function walkwayJpeg(root: string): Buffer {
  return readFileSync(path.join(root, 'samples/images/street/walkway-06.jpg'));
}

/** Much detail: six frames of the walkway side by side, cut to 1920×1080. */
export async function busyFullHdJpeg(root: string): Promise<Buffer> {
  const frames = [0, 2, 4, 6, 8, 10].map((number, index) => ({
    input: path.join(root, `samples/images/street/walkway-${String(number).padStart(2, '0')}.jpg`),
    left: (index % 3) * 768,
    top: Math.floor(index / 3) * 576,
  }));
  const mosaic = await sharp({
    create: { width: 2304, height: 1152, channels: 3, background: '#000' },
  })
    .composite(frames)
    .png({ compressionLevel: 0 })
    .toBuffer();
  return sharp(mosaic)
    .extract({ left: 0, top: 0, ...FULL_HD })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** Little detail: a photograph of 512×480, enlarged. */
export function calmFullHdJpeg(root: string): Promise<Buffer> {
  return sharp(path.join(root, 'samples/images/street/fruits.jpg'))
    .resize(FULL_HD.width, FULL_HD.height, { fit: 'cover' })
    .jpeg({ quality: 90 })
    .toBuffer();
}

export type YuvFormat = 'i420' | 'nv12';

/** The same picture as a camera's raw frame: limited range BT.601, chroma averaged over 2×2 pixels. */
export async function yuvFrame(jpeg: Buffer, format: YuvFormat): Promise<RawImage> {
  const { data: rgb, info } = await sharp(jpeg)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const luma = width * height;
  const chroma = luma / 4;
  const data = new Uint8Array(luma + 2 * chroma);
  for (let i = 0; i < luma; i++) {
    const [r, g, b] = [rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!];
    data[i] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
  }
  for (let y = 0, i = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2, i++) {
      const at = 3 * (y * width + x);
      const mean = (channel: number) =>
        (rgb[at + channel]! +
          rgb[at + 3 + channel]! +
          rgb[at + 3 * width + channel]! +
          rgb[at + 3 * width + 3 + channel]!) /
        4;
      const [r, g, b] = [mean(0), mean(1), mean(2)];
      const u = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
      const v = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
      data[format === 'nv12' ? luma + 2 * i : luma + i] = u;
      data[format === 'nv12' ? luma + 2 * i + 1 : luma + chroma + i] = v;
    }
  }
  return { data, width, height, format };
}

/** The same as YUYV, chroma averaged over two pixels of a row. */
export async function yuyvFrame(jpeg: Buffer): Promise<RawImage> {
  const { data: rgb, info } = await sharp(jpeg)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const data = new Uint8Array(width * height * 2);
  for (let i = 0, at = 0; i < data.length; i += 4, at += 6) {
    const [r0, g0, b0] = [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
    const [r1, g1, b1] = [rgb[at + 3]!, rgb[at + 4]!, rgb[at + 5]!];
    const [r, g, b] = [(r0 + r1) / 2, (g0 + g1) / 2, (b0 + b1) / 2];
    data[i] = Math.round(16 + 0.257 * r0 + 0.504 * g0 + 0.098 * b0);
    data[i + 1] = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
    data[i + 2] = Math.round(16 + 0.257 * r1 + 0.504 * g1 + 0.098 * b1);
    data[i + 3] = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
  }
  return { data, width, height, format: 'yuyv' };
}
