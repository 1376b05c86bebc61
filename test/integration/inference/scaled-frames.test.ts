import { expect, it } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import type { Box, FrameView, Point, Size } from '../../../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../../../component/contract/tensor.ts';
import { PictureReader } from '../../../component/inference/picture-reader.ts';
import { scaledSize } from '../../../component/inference/picture-scaling.ts';
import { KeptTensor } from '../../../native/kept-tensor.ts';

const SOURCE = { width: 640, height: 480 };
/** White on black, of even places and sizes, so that half the picture has it whole. */
const MARK: Box = { x: 220, y: 140, width: 60, height: 40 };
const MARKED: Point = { x: MARK.x + MARK.width / 2, y: MARK.y + MARK.height / 2 };
const signal = new AbortController().signal;

const specOf = (resize: TensorSpec['resize'], size: Size): TensorSpec => ({
  ...{ ...size, resize, layout: 'nhwc', dtype: 'uint8', colourOrder: 'gray' },
  ...{ interpolation: 'area', scale: 1, mean: [0], std: [1], padValue: 0 },
});

/** Half the picture, as a camera's ffmpeg would have stored it. */
async function halfFrame() {
  const [width, height] = [SOURCE.width / 2, SOURCE.height / 2];
  const byteLength = width * height;
  const slots = new FrameSlots({ slots: 3, slotBytes: byteLength, policy: 'every' });
  slots.scaleFrames(SOURCE, 0);
  const writer = (await slots.openSlot(byteLength, signal))!;
  writer.bytes.fill(0);
  for (let y = MARK.y / 2; y < (MARK.y + MARK.height) / 2; y += 1) {
    writer.bytes.fill(255, y * width + MARK.x / 2, y * width + (MARK.x + MARK.width) / 2);
  }
  const frame = { format: 'gray8', width, height, byteLength, sequence: 0 } as const;
  writer.publish({ ...frame, capturedAtMs: Date.now() });
  return { slots, frame: (await slots.next(signal))! };
}

/** Where the middle of the mark is in the tensor, brought back by the transform. */
function seenMiddle(pixels: Uint8Array, { width }: Size, transform: FrameTransform): Point {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((level, at) => {
    mass += level;
    x += level * ((at % width) + 0.5);
    y += level * (Math.floor(at / width) + 0.5);
  });
  return {
    x: (x / mass) * transform.scaleX + transform.offsetX,
    y: (y / mass) * transform.scaleY + transform.offsetY,
  };
}

/** Of a place in the picture when it is turned clockwise. */
function turned({ x, y }: Point, rotation: FrameView['rotation']): Point {
  const { width, height } = SOURCE;
  switch (rotation) {
    case 0:
      return { x, y };
    case 90:
      return { x: height - y, y: x };
    case 180:
      return { x: width - x, y: height - y };
    case 270:
      return { x: y, y: width - x };
  }
}

const REGIONS: readonly (Box | undefined)[] = [
  undefined,
  { x: 101, y: 51, width: 333, height: 401 },
  { x: 3, y: 0, width: 477, height: 479 },
];

it('what a frame shows is at its place in the camera’s pixels, for each view and way of resizing', async () => {
  const { slots, frame } = await halfFrame();
  let isTold = 0;
  for (const rotation of [0, 90, 180, 270] as const) {
    for (const region of REGIONS) {
      for (const resize of ['stretch', 'letterbox', 'letterbox-top-left'] as const) {
        const spec = specOf(resize, { width: 96, height: 80 });
        const view: FrameView = { rotation, flip: 'none', ...(region ? { region } : {}) };
        const needed = scaledSize(SOURCE, [{ view, spec }]);
        expect(needed.width).toBeLessThanOrEqual(frame.width);
        const settings = { spec, maxImagePixels: 1_000_000 };
        const reader = await PictureReader.open({ kind: 'frame', frame }, settings, true);
        const one = new KeptTensor(new Uint8Array(96 * 80));
        const two = [0, 1].map(() => new KeptTensor(new Uint8Array(96 * 80)));
        const [alone] = reader.fill([view], [one]);
        const together = reader.fill([view, view], two);
        reader.close();
        const middle = turned(MARKED, rotation);
        const is = rotation % 180 === 0 ? SOURCE : { width: 480, height: 640 };
        for (const [transform, { data }] of [
          [alone!, one],
          [together[0]!, two[0]!],
          [together[1]!, two[1]!],
        ] as const) {
          expect(transform.source).toEqual(is);
          const seen = seenMiddle(data, spec, transform);
          // Grey levels are whole numbers.
          expect(Math.abs(seen.x - middle.x)).toBeLessThan(0.25);
          expect(Math.abs(seen.y - middle.y)).toBeLessThan(0.25);
          isTold += 1;
        }
      }
    }
  }
  expect(isTold).toBe(4 * 3 * 3 * 3);
  slots.close();
});
