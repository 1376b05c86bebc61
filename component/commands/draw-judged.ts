import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import sharp from 'sharp';
import { decodeToRgb, type RgbPicture } from '../../native/picture-to-rgb.ts';
import { VedetteError } from '../contract/errors.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { InferenceAnswer } from '../contract/ports.ts';
import type { Findings, Verdict } from '../contract/result.ts';
import type { PictureSource } from '../inference/run-on-pictures.ts';
import { drawPicture } from '../pipeline/draw-picture.ts';

const QUALITY = 88;
const MAX_WIDTH = 1920;
/** Text on a narrower picture would not fit: it is enlarged first. */
const MIN_WIDTH = 512;

export interface DrawingOptions {
  readonly maxImagePixels: number;
  readonly maxWidth?: number;
}

/** A JPEG of a picture with what was found in it. @throws VedetteError IMAGE_…, PICTURE_UNREADABLE */
export async function drawJudged(
  picture: PictureSource,
  answer: Pick<InferenceAnswer, 'anomalyMap'> & { readonly findings: Findings },
  verdict: Verdict | undefined,
  { maxImagePixels, maxWidth = MAX_WIDTH }: DrawingOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const maxSize = { width: maxWidth, height: 2 * maxWidth };
  const rgb = await decodeToRgb(await picture.read(), WHOLE_FRAME, maxSize, maxImagePixels);
  const { anomalyMap, findings } = answer;
  const overlay = {
    result: { ...findings, ...(verdict ? { verdict } : {}) },
    zones: [],
    ...(anomalyMap ? { anomalyMap } : {}),
  };
  return drawPicture(await enlarge(rgb), { overlay, quality: QUALITY });
}

async function enlarge(picture: RgbPicture): Promise<RgbPicture> {
  const { width, height, data } = picture;
  const factor = Math.ceil(MIN_WIDTH / width);
  if (factor <= 1 || height * factor > MAX_WIDTH * 2) return picture;
  const size = { width: width * factor, height: height * factor };
  const pixels = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(size.width, size.height, { kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer();
  return { ...picture, ...size, data: new Uint8Array(pixels) };
}

/** Pictures written below one folder, each under a name of its own. */
export class DrawingFolder {
  readonly #folder: string;
  readonly #taken = new Set<string>();

  /**
   * @param pictures folders that pictures come from: drawn ones among them would be judged the next time
   * @throws VedetteError REQUEST_INVALID
   */
  static async open(folder: string, pictures: readonly string[]): Promise<DrawingFolder> {
    const place = resolve(folder);
    for (const source of pictures) {
      const inside = resolve(source);
      if (place !== inside && !place.startsWith(inside + sep)) continue;
      throw new VedetteError(
        'REQUEST_INVALID',
        `${folder} lies in ${source}, where pictures are read from: what is drawn would be taken for a picture the next time; name a folder elsewhere`,
      );
    }
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new VedetteError('REQUEST_INVALID', `the folder ${folder} cannot be made: ${code}`, {
        cause: error,
      });
    }
    return new DrawingFolder(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the path below the folder, with `/` */
  async write(relativePath: string, jpeg: Uint8Array): Promise<string> {
    const name = this.#freeName(
      relativePath
        .split('/')
        .filter((part) => part !== '..')
        .join('/'),
    );
    const path = join(this.#folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, jpeg);
    return name;
  }

  #freeName(relativePath: string): string {
    const stem = relativePath.slice(0, relativePath.length - extname(relativePath).length);
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? `${stem}.jpg` : `${stem}-${count}.jpg`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}
