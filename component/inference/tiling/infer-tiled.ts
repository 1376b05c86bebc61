import { FrameRing, inspectImage } from '../../../native/index.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { Size } from '../../contract/frame.ts';
import type { InferenceAnswer, InferenceRequest, PictureSource } from '../../contract/ports.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import type { ModelGeneration } from '../model-generation.ts';
import { tileViews } from './tile-grid.ts';

/** A version of a model, or a model whichever version answers. */
export type TiledModel = Pick<ModelGeneration, 'name' | 'package' | 'infer' | 'inferRegions'>;

/** Tasks whose answers can be put together from tiles. */
const TILEABLE_TASKS: readonly string[] = [
  'object-detection',
  'instance-segmentation',
  'anomaly-detection',
  'semantic-segmentation',
  'keypoint-detection',
];
/** Always one pose, and a choice among classes of the whole: these say something about a whole picture. */
const WHOLE_PICTURE_DECODERS: readonly string[] = ['movenet', 'heatmaps', 'multi-head-anomaly'];

/**
 * Judges one picture, in tiles when there are settings for it: all tiles of a picture are one job of one
 * worker, which decodes the picture once, runs batches of bounded size and puts the answers together.
 * @throws VedetteError REQUEST_INVALID for a model that cannot be tiled, FRAME_INVALID for too many
 * tiles, and as ModelGeneration.infer
 */
export async function inferTiled(
  model: TiledModel,
  request: InferenceRequest,
  tiling: TilingConfig | undefined,
): Promise<InferenceAnswer> {
  const loaded = model.package;
  // A model that is not there yet says so itself.
  if (!tiling?.isEnabled || !loaded) return model.infer(request);
  const { task, output } = loaded.manifest;
  const { decoder } = output;
  if (!TILEABLE_TASKS.includes(task) || WHOLE_PICTURE_DECODERS.includes(decoder)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `model '${model.name}' (decoder '${decoder}') says something about a whole picture, which cannot be put together from tiles: remove its \`tiling\``,
      { details: { model: model.name, decoder } },
    );
  }
  const picture = uprightSize(request);
  const views = tileViews(picture, request.view, tiling, loaded.spec);
  if (views.length === 1) return model.infer(request);
  const { view, ...rest } = request;
  const merge = view.region ?? { x: 0, y: 0, ...picture };
  const { regions, ...answer } = await model.inferRegions({ ...rest, views, merge });
  return { ...answer, ...regions[0]! };
}

/** Of a picture after EXIF orientation and the view's rotation; only the first bytes are looked at. */
function uprightSize({ image, view }: InferenceRequest): Size {
  const stored = storedSize(image);
  const isTurned = (stored.rotation + view.rotation) % 180 !== 0;
  return isTurned
    ? { width: stored.height, height: stored.width }
    : { width: stored.width, height: stored.height };
}

function storedSize(image: PictureSource): Size & { readonly rotation: number } {
  if (image.kind === 'encoded') return inspectImage(image.data);
  const { frame } = image;
  const isEncoded = ['jpeg', 'png', 'webp', 'tiff'].includes(frame.format);
  if (!isEncoded) {
    const { width, height } = frame.scaledFrom ?? frame;
    return { width, height, rotation: 0 };
  }
  const bytes = FrameRing.attach(frame.ringId).bytes(frame.slot);
  return inspectImage(bytes.subarray(0, frame.byteLength));
}
