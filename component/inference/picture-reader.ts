import {
  FrameRing,
  PooledBuffer,
  inspectImage,
  jpegToTensor,
  jpegToTiles,
  rawImageOf,
  rawToTensor,
  rawToTiles,
} from '../../native/index.ts';
import type { ImageInfo, KeptTensor, RawImage } from '../../native/index.ts';
import { checkPixels, composeViews, decodePicture } from '../../native/decode-picture.ts';
import { quadSize } from '../contract/quad-size.ts';
import { ENCODED_FORMATS, WHOLE_FRAME } from '../contract/frame.ts';
import type { Box, EncodedFormat, FrameLease, FrameView, Size } from '../contract/frame.ts';
import type { PictureSource } from '../contract/ports.ts';
import type { FrameTransform, TensorSpec } from '../contract/tensor.ts';
import { ScaledPicture } from './picture-scaling.ts';

export interface ReaderSettings {
  readonly spec: TensorSpec;
  readonly maxImagePixels: number;
}

/**
 * One picture of which views become tensors. It is decoded once, however many views there are and in
 * however many calls they are filled.
 */
export class PictureReader {
  readonly #settings: ReaderSettings;
  readonly #source: { readonly raw: RawImage } | { readonly jpeg: Uint8Array<ArrayBuffer> };
  /** How the stored pixels are turned before a view is. */
  readonly #stored: FrameView;
  /** Of a picture that is stored smaller than its camera sent it. */
  readonly #scaled: ScaledPicture | undefined;
  #memory: PooledBuffer | undefined;

  /**
   * @param isOneFill whether a single `fill` takes all views: a JPEG then needs no picture of its own
   * @throws VedetteError IMAGE_…, FRAME_INVALID
   */
  static async open(
    image: PictureSource,
    settings: ReaderSettings,
    isOneFill: boolean,
  ): Promise<PictureReader> {
    if (image.kind === 'encoded') return openEncoded(image.data, settings, isOneFill);
    const { frame } = image;
    const data = FrameRing.attach(frame.ringId).bytes(frame.slot).subarray(0, frame.byteLength);
    if (isEncoded(frame.format)) return openEncoded(data, settings, isOneFill);
    const raw = rawImageOf(frame, frame.format, data);
    const scaled = frame.scaledFrom && new ScaledPicture(frame, frame.scaledFrom);
    return new PictureReader(settings, { raw }, WHOLE_FRAME, { scaled });
  }

  constructor(
    settings: ReaderSettings,
    source: { readonly raw: RawImage } | { readonly jpeg: Uint8Array<ArrayBuffer> },
    stored: FrameView,
    {
      memory,
      scaled,
    }: {
      readonly memory?: PooledBuffer | undefined;
      readonly scaled?: ScaledPicture | undefined;
    } = {},
  ) {
    this.#settings = settings;
    this.#source = source;
    this.#stored = stored;
    this.#memory = memory;
    this.#scaled = scaled;
  }

  /**
   * `views[i]` to `places[i]`, each of which holds a tensor of `spec`.
   * @throws VedetteError FRAME_INVALID, IMAGE_CORRUPT, TENSOR_INVALID
   */
  fill(
    views: readonly FrameView[],
    places: readonly KeptTensor[],
    spec = this.#settings.spec,
  ): FrameTransform[] {
    const scaled = this.#scaled;
    if (scaled === undefined) return this.#fillStored(views, places, spec);
    const stored = views.map((view) => scaled.storedView(view));
    const transforms = this.#fillStored(stored, places, spec);
    return transforms.map((transform, index) => scaled.sourceTransform(transform, views[index]!));
  }

  /** The same in pixels of the stored picture. */
  #fillStored(
    views: readonly FrameView[],
    places: readonly KeptTensor[],
    spec: TensorSpec,
  ): FrameTransform[] {
    const { maxImagePixels } = this.#settings;
    const source = this.#source;
    if (views.length === 1) {
      const [view, place] = [views[0]!, places[0]!];
      return [
        'jpeg' in source
          ? jpegToTensor(source.jpeg, view, spec, place, maxImagePixels)
          : rawToTensor(source.raw, this.#turned(view), spec, place),
      ];
    }
    if ('jpeg' in source) {
      // `open` sees to it that they are turned alike.
      const regions = views.map((view) => view.quad ?? view.region!);
      return jpegToTiles(source.jpeg, turnOf(views[0]!), regions, spec, places, maxImagePixels);
    }
    const transforms: FrameTransform[] = [];
    for (const group of groupsByTurn(views)) {
      const turn = this.#turned(turnOf(views[group[0]!]!));
      const whole = wholeOf(source.raw, turn);
      const found = rawToTiles(
        source.raw,
        turn,
        group.map((index) => views[index]!.quad ?? views[index]!.region ?? whole),
        spec,
        group.map((index) => places[index]!),
      );
      group.forEach((index, at) => (transforms[index] = found[at]!));
    }
    return transforms;
  }

  /** Size of what a view shows, in source pixels. */
  sizeOf(view: FrameView): Size {
    if (view.quad) return quadSize(view.quad);
    if (view.region) return view.region;
    if (this.#scaled) return this.#scaled.sourceSize(view);
    const source = this.#source;
    if ('raw' in source) return wholeOf(source.raw, this.#turned(view));
    const info = inspectImage(source.jpeg);
    return wholeOf(wholeOf(info, info), view);
  }

  #turned(view: FrameView): FrameView {
    return this.#stored === WHOLE_FRAME ? view : composeViews(this.#stored, view);
  }

  close(): void {
    this.#memory?.release();
    this.#memory = undefined;
  }
}

async function openEncoded(
  data: Uint8Array<ArrayBuffer>,
  settings: ReaderSettings,
  isOneFill: boolean,
): Promise<PictureReader> {
  const info = inspectImage(data);
  if (info.format !== 'jpeg') {
    const raw = await decodePicture(data, info, settings.maxImagePixels);
    return new PictureReader(settings, { raw }, info);
  }
  if (isOneFill) return new PictureReader(settings, { jpeg: data }, WHOLE_FRAME);
  return decodedJpeg(data, info, settings);
}

/**
 * The pixels of a JPEG, EXIF orientation applied: whole grey levels, as the addon's direct way has
 * them before it resizes, so that tensors are the same to the bit.
 */
function decodedJpeg(
  data: Uint8Array<ArrayBuffer>,
  info: ImageInfo,
  settings: ReaderSettings,
): PictureReader {
  checkPixels(info, settings.maxImagePixels);
  const size = wholeOf(info, info);
  const memory = PooledBuffer.acquire(size.width * size.height * 3);
  try {
    const pixels = new Uint8Array(memory.buffer);
    jpegToTensor(data, WHOLE_FRAME, storedPixels(size), pixels, settings.maxImagePixels);
    const { width, height } = size;
    const raw: RawImage = { format: 'rgb24', width, height, data: pixels };
    return new PictureReader(settings, { raw }, WHOLE_FRAME, { memory });
  } catch (error) {
    memory.release();
    throw error;
  }
}

const storedPixels = ({ width, height }: Size): TensorSpec => ({
  width,
  height,
  layout: 'nhwc',
  dtype: 'uint8',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'nearest',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
});

const turnOf = ({ rotation, flip }: FrameView): FrameView => ({ rotation, flip });

/** Whether one call of the addon takes them all from a JPEG. */
export function isOneCall(views: readonly FrameView[]): boolean {
  const [first] = views;
  if (views.length === 1) return true;
  return views.every(
    ({ rotation, flip, region, quad }) =>
      (region ?? quad) !== undefined && rotation === first!.rotation && flip === first!.flip,
  );
}

/** Places in `views` of those that are turned alike. */
function groupsByTurn(views: readonly FrameView[]): number[][] {
  const groups = new Map<string, number[]>();
  views.forEach(({ rotation, flip }, index) => {
    const key = `${rotation} ${flip}`;
    const group = groups.get(key);
    if (group) group.push(index);
    else groups.set(key, [index]);
  });
  return [...groups.values()];
}

function wholeOf(stored: Size, { rotation }: Pick<FrameView, 'rotation'>): Box {
  const isTurned = rotation === 90 || rotation === 270;
  const { width, height } = stored;
  return isTurned ? { x: 0, y: 0, width: height, height: width } : { x: 0, y: 0, width, height };
}

function isEncoded(format: FrameLease['format']): format is EncodedFormat {
  return (ENCODED_FORMATS as readonly string[]).includes(format);
}
