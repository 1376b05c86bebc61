import type { Point } from '../contract/frame.ts';
import type { Detection } from '../contract/result.ts';
import type { DecodeContext } from './decoder.ts';
import { roundPixels, sourceBox, sourcePlace } from './picture-area.ts';

/** A rectangle turned about its centre, in pixels of the input. */
export interface OrientedBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Radians, clockwise on the screen. */
  readonly angle: number;
}

/**
 * The box in source pixels: its corners as they are, from which the rest is measured (a stretched
 * picture makes a slanted shape of it), and the upright hull, kept inside the picture. The angle is
 * that of the longer side, 0 ≤ angle < 180.
 * @returns `undefined` when nothing of the hull is left
 */
export function placedBox(
  of: OrientedBox,
  context: DecodeContext,
): Required<Pick<Detection, 'box' | 'orientedBox'>> | undefined {
  const corners = cornersOf(of);
  const box = sourceBox(
    [
      Math.min(...corners.map(({ x }) => x)),
      Math.min(...corners.map(({ y }) => y)),
      Math.max(...corners.map(({ x }) => x)),
      Math.max(...corners.map(({ y }) => y)),
    ],
    context,
  );
  if (!box) return undefined;
  const polygon = corners.map((corner) => sourcePlace(corner, context.transform));
  const centre = sourcePlace(of, context.transform);
  const [first, second, third] = polygon as [Point, Point, Point, Point];
  const sides = [edge(first, second), edge(second, third)] as const;
  const [long, short] = sides[0].length >= sides[1].length ? sides : sides.toReversed();
  return {
    box,
    orientedBox: {
      x: roundPixels(centre.x),
      y: roundPixels(centre.y),
      width: roundPixels(long!.length),
      height: roundPixels(short!.length),
      angleDegrees: long!.angleDegrees,
      polygon: polygon.map(({ x, y }) => ({ x: roundPixels(x), y: roundPixels(y) })),
    },
  };
}

/** Clockwise on the screen, from the one that is top left when the angle is 0. */
export function cornersOf({ x, y, width, height, angle }: OrientedBox): Point[] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const along = { x: (width / 2) * cosine, y: (width / 2) * sine };
  const across = { x: (-height / 2) * sine, y: (height / 2) * cosine };
  return [
    { x: x - along.x - across.x, y: y - along.y - across.y },
    { x: x + along.x - across.x, y: y + along.y - across.y },
    { x: x + along.x + across.x, y: y + along.y + across.y },
    { x: x - along.x + across.x, y: y - along.y + across.y },
  ];
}

function edge(from: Point, to: Point) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  // Hundredths are whole numbers, so that the remainder is exact.
  const hundredths = Math.round((Math.atan2(dy, dx) * 18_000) / Math.PI);
  return { length: Math.hypot(dx, dy), angleDegrees: ((hundredths + 18_000) % 18_000) / 100 };
}

/** A box as a Gaussian of the same mean and covariance. */
interface Gaussian {
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
  readonly determinant: number;
}

/** Keeps divisions and logarithms finite (the value that Ultralytics uses). */
const EPSILON = 1e-7;

export function gaussianOf({ x, y, width, height, angle }: OrientedBox): Gaussian {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [along, across] = [width ** 2 / 12, height ** 2 / 12];
  const xx = along * cosine ** 2 + across * sine ** 2;
  const yy = along * sine ** 2 + across * cosine ** 2;
  const xy = (along - across) * cosine * sine;
  return { x, y, xx, yy, xy, determinant: Math.max(0, xx * yy - xy ** 2) };
}

/**
 * How much two boxes overlap, 0–1: one minus the Hellinger distance of their Gaussians (Llerena et
 * al. 2021, «Gaussian Bounding Boxes and Probabilistic Intersection-over-Union»).
 */
export function probabilisticIou(a: Gaussian, b: Gaussian): number {
  const xx = a.xx + b.xx;
  const yy = a.yy + b.yy;
  const xy = a.xy + b.xy;
  // Rounding makes it negative for boxes that are all but lines: no logarithm has that.
  const determinant = Math.max(0, xx * yy - xy ** 2);
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  const apart = (xx * dy ** 2 + yy * dx ** 2 - 2 * xy * dx * dy) / (determinant + EPSILON) / 4;
  const unlike = determinant / (4 * Math.sqrt(a.determinant * b.determinant) + EPSILON) + EPSILON;
  const distance = Math.min(100, Math.max(EPSILON, apart + Math.log(unlike) / 2));
  return 1 - Math.sqrt(1 - Math.exp(-distance) + EPSILON);
}

/**
 * Indices of the boxes that are left: one is dropped when its probabilistic IoU with any better one
 * reaches the threshold, also with one that is dropped itself. That is Fast NMS (Bolya et al. 2019,
 * YOLACT) as Ultralytics suppresses oriented boxes, so that a model gives the boxes it gave there.
 * @param boxes best first
 */
export function keptBoxes(
  boxes: readonly { readonly box: OrientedBox; readonly labelIndex: number }[],
  options: {
    readonly iouThreshold: number;
    readonly isAgnostic: boolean;
    readonly limit: number;
  },
): number[] {
  const gaussians = boxes.map(({ box }) => gaussianOf(box));
  const kept: number[] = [];
  for (let index = 0; index < boxes.length && kept.length < options.limit; index += 1) {
    const own = gaussians[index]!;
    const { labelIndex } = boxes[index]!;
    let isDropped = false;
    for (let better = 0; better < index && !isDropped; better += 1) {
      const isRival = options.isAgnostic || boxes[better]!.labelIndex === labelIndex;
      isDropped = isRival && probabilisticIou(own, gaussians[better]!) >= options.iouThreshold;
    }
    if (!isDropped) kept.push(index);
  }
  return kept;
}
