import { changedFraction, type LumaPicture } from '../../camera/picture-measures.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { Size } from '../../contract/frame.ts';
import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import { EdgeWatch } from './edge-watch.ts';
import type { FrameWatchers, PassingFrame } from './frame-watchers.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

type DifferenceConfig = TriggerConfigOf<'difference'>;

/**
 * Triggers when the picture begins to change: when the share of it that differs from the picture
 * `sampleMs` before reaches `changedFraction`. It triggers again only after the picture has been still.
 */
export function openDifferenceTrigger(
  config: DifferenceConfig,
  listener: TriggerListener,
  frames: FrameWatchers,
): TriggerSource {
  const { camera, sampleMs } = config;
  const edges = new EdgeWatch('rising', config.holdOffMs);
  let before: LumaPicture | undefined;
  let source: object | undefined;
  let lastMs = -Infinity;
  let measuring: Promise<void> | undefined;
  let isClosed = false;
  /** Grows when what was seen counts no more. */
  let generation = 0;

  const forget = () => {
    generation += 1;
    before = undefined;
    edges.lose();
  };
  const compare = async (frame: PassingFrame) => {
    const own = generation;
    // The camera may have gone, or the trigger been closed, while the picture was measured.
    const isPast = () => isClosed || own !== generation;
    try {
      const picture = await frame.luma();
      if (isPast()) return;
      const share = before && changedShare(picture, before, frame.size, config);
      before = picture;
      listener.listening();
      // The first picture, or one of another size, is how the scene stands.
      if (edges.see(share !== undefined && share >= config.changedFraction ? 1 : 0)) {
        listener.fire({});
      }
    } catch (thrown) {
      if (isPast()) return;
      forget();
      listener.lost(VedetteError.from(thrown));
    }
  };
  const unwatch = frames.watch(camera, {
    see: (frame) => {
      const nowMs = performance.now();
      if (measuring !== undefined || nowMs - lastMs < sampleMs) return;
      if (frame.source !== source) forget();
      source = frame.source;
      lastMs = nowMs;
      measuring = compare(frame).finally(() => (measuring = undefined));
    },
    lost: (error) => {
      forget();
      listener.lost(error);
    },
  });
  return {
    close: async () => {
      isClosed = true;
      unwatch();
      await measuring;
    },
  };
}

/**
 * Of the region or of the whole. `undefined` for pictures of two sizes.
 * @throws VedetteError FRAME_INVALID when the region lies outside the picture
 */
function changedShare(
  picture: LumaPicture,
  before: LumaPicture,
  size: Size,
  { region, minDifference }: DifferenceConfig,
): number | undefined {
  if (region === undefined) return changedFraction(picture, before, minDifference, undefined);
  if (region.x >= size.width || region.y >= size.height) {
    const message = `the region begins at ${region.x}, ${region.y} and the picture has ${size.width}×${size.height} pixels`;
    throw new VedetteError('FRAME_INVALID', message);
  }
  const [right, down] = [picture.width / size.width, picture.height / size.height];
  const left = Math.floor(region.x * right);
  const top = Math.floor(region.y * down);
  return changedFraction(picture, before, minDifference, {
    ...{ x: left, y: top },
    width: Math.min(picture.width, Math.ceil((region.x + region.width) * right)) - left,
    height: Math.min(picture.height, Math.ceil((region.y + region.height) * down)) - top,
  });
}
