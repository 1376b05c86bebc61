import type Sharp from 'sharp';
import { VedetteError } from '../component/contract/errors.ts';
import type { Flip, FrameView, Rotation } from '../component/contract/frame.ts';
import type { ImageInfo, RawImage } from './index.ts';

let loaded: typeof Sharp | undefined;

/** Loaded with the first picture that needs it: most threads see JPEG and raw frames only. */
async function loadSharp(): Promise<typeof Sharp> {
  if (loaded === undefined) {
    loaded = (await import('sharp')).default;
    // Every picture is new: libvips' cache of operations would only hold memory.
    loaded.cache(false);
  }
  return loaded;
}

/**
 * Decodes PNG, WebP or TIFF (first page or frame) to stored pixels, not yet turned upright: `gray8`
 * or `rgb24`. 16-bit samples keep their upper 8 bits, an alpha channel is dropped (as OpenCV does),
 * palettes are looked up, embedded ICC profiles are not applied, CMYK goes through libvips' own
 * profile. `info` is what `inspectImage` said of the same bytes.
 * @throws VedetteError IMAGE_TOO_LARGE before anything is decoded, IMAGE_CORRUPT
 */
export async function decodePicture(
  data: Uint8Array,
  info: ImageInfo,
  maxPixels: number,
): Promise<RawImage> {
  checkPixels(info, maxPixels);
  try {
    const sharp = await loadSharp();
    const decoded = await sharp(data, {
      failOn: 'error',
      limitInputPixels: maxPixels,
      ignoreIcc: true,
    })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = decoded.info;
    return { data: decoded.data, width, height, format: channels === 1 ? 'gray8' : 'rgb24' };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const code = reason.includes('pixel limit') ? 'IMAGE_TOO_LARGE' : 'IMAGE_CORRUPT';
    const name = info.format.toUpperCase();
    throw new VedetteError(
      code,
      `${name} of ${info.width}x${info.height}, ${data.byteLength} bytes: ${reason}`,
      { cause },
    );
  }
}

/** @throws VedetteError IMAGE_TOO_LARGE */
export function checkPixels(info: ImageInfo, maxPixels: number): void {
  const pixels = info.width * info.height;
  if (pixels <= maxPixels) return;
  throw new VedetteError(
    'IMAGE_TOO_LARGE',
    `${info.format.toUpperCase()} of ${info.width}x${info.height} has ${pixels} pixels, at most ${maxPixels} are allowed`,
    { details: { width: info.width, height: info.height, maxPixels } },
  );
}

/**
 * The view of a stored picture that includes its EXIF orientation: `first`, then `second`. Both turn
 * clockwise, then mirror; two mirrors cancel, and a turn after a mirror counts backwards.
 */
export function composeViews(
  first: { readonly rotation: Rotation; readonly flip: Flip },
  second: FrameView,
): FrameView {
  const a = normalForm(first.rotation, first.flip);
  const b = normalForm(second.rotation, second.flip);
  const turned = a.isMirrored ? a.rotation - b.rotation : a.rotation + b.rotation;
  return {
    rotation: ((turned + 360) % 360) as Rotation,
    flip: a.isMirrored === b.isMirrored ? 'none' : 'horizontal',
    ...(second.region === undefined ? {} : { region: second.region }),
    ...(second.quad === undefined ? {} : { quad: second.quad }),
  };
}

/** A vertical mirror is half a turn and a horizontal one. */
function normalForm(rotation: Rotation, flip: Flip): { rotation: number; isMirrored: boolean } {
  if (flip === 'vertical') return { rotation: (rotation + 180) % 360, isMirrored: true };
  return { rotation, isMirrored: flip === 'horizontal' };
}
