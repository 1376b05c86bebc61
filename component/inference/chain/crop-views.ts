import type { Box, FrameView, Point, Quad, Size } from '../../contract/frame.ts';
import type { Detection, Findings, TextLine } from '../../contract/result.ts';
import type { ChainStepConfig } from '../../contract/chain-config.ts';

/** A finding and what a model is shown of it. */
export interface Crop {
  readonly owner: Detection | TextLine;
  readonly view: FrameView;
}

export interface Crops {
  readonly crops: readonly Crop[];
  readonly leftOut: number;
}

/** Taller lines are taken for lying on their side (PaddleOCR's get_rotate_crop_image). */
const UPRIGHT_RATIO = 1.5;

/**
 * Crops of the findings that a step asks for, in the order of the findings: of a box a region in whole
 * pixels that holds it, of an oriented box or a line of text its quad. All are parts of the whole
 * picture, also where a camera's region ends. What is too small, does not reach into the picture or is
 * beyond the best `maxCrops` is left out and counted; what the step does not ask for is not.
 */
export function cropsOf(
  { detections = [], text = [] }: Findings,
  step: ChainStepConfig,
  turn: FrameView,
  picture: Size,
): Crops {
  const wanted = [...detections.filter(({ label }) => isAsked(label, step.labels)), ...text].filter(
    ({ score }) => score >= step.minScore && score <= step.maxScore,
  );
  const found = wanted.flatMap((owner): Crop[] => {
    const view = viewOf(owner, step, picture);
    return view ? [{ owner, view: { rotation: turn.rotation, flip: turn.flip, ...view } }] : [];
  });
  const best = new Set(
    [...found].sort((a, b) => b.owner.score - a.owner.score).slice(0, step.maxCrops),
  );
  return { crops: found.filter((crop) => best.has(crop)), leftOut: wanted.length - best.size };
}

function isAsked(label: string, labels: ChainStepConfig['labels']): boolean {
  return Object.values(labels).includes(true) ? labels[label] === true : true;
}

type Part = Pick<FrameView, 'region' | 'quad'>;

function viewOf(
  owner: Detection | TextLine,
  { margin, minSidePx }: ChainStepConfig,
  picture: Size,
): Part | undefined {
  const corners = 'box' in owner ? owner.orientedBox?.polygon : owner.polygon;
  if (corners)
    return quadPart(corners as Point[], { margin, minSidePx }, picture, !('box' in owner));
  if (!('box' in owner)) return undefined;
  const { x, y, width, height } = owner.box;
  if (Math.min(width, height) < minSidePx) return undefined;
  const region = wholePixels(
    {
      x: x - width * margin,
      y: y - height * margin,
      width: width * (1 + 2 * margin),
      height: height * (1 + 2 * margin),
    },
    picture,
  );
  return region && { region };
}

/** The least box of whole pixels that holds a box, as far as it lies in the picture. */
function wholePixels({ x, y, width, height }: Box, picture: Size): Box | undefined {
  const left = Math.max(0, Math.floor(x));
  const top = Math.max(0, Math.floor(y));
  const right = Math.min(picture.width, Math.ceil(x + width));
  const bottom = Math.min(picture.height, Math.ceil(y + height));
  if (right <= left || bottom <= top) return undefined;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function quadPart(
  corners: readonly Point[],
  { margin, minSidePx }: Pick<ChainStepConfig, 'margin' | 'minSidePx'>,
  picture: Size,
  isLine: boolean,
): Part | undefined {
  const [a, b, c, d] = corners as [Point, Point, Point, Point];
  const [across, down] = [length(a, b), length(b, c)];
  if (Math.min(across, down) < minSidePx) return undefined;
  const isOnItsSide = isLine && down >= across * UPRIGHT_RATIO;
  const quad = grown(isOnItsSide ? [b, c, d, a] : [a, b, c, d], margin);
  return canBeSeen(quad, picture) ? { quad } : undefined;
}

const length = (p: Point, q: Point): number => Math.hypot(q.x - p.x, q.y - p.y);

/** Each corner moved outwards along both sides that meet in it. */
function grown(quad: Quad, margin: number): Quad {
  return quad.map((corner, index) => {
    const [next, before] = [quad[(index + 1) % 4]!, quad[(index + 3) % 4]!];
    return {
      x: corner.x + (2 * corner.x - next.x - before.x) * margin,
      y: corner.y + (2 * corner.y - next.y - before.y) * margin,
    };
  }) as unknown as Quad;
}

const LEAST_SINE = 0.01;
/** Pixels from the picture's corner. */
const FARTHEST = 1e6;

/** What the addon asks of a quad: one that it would refuse must not cost the others their answer. */
export function canBeSeen(quad: Quad, { width, height }: Size): boolean {
  const [xs, ys] = [quad.map(({ x }) => x), quad.map(({ y }) => y)];
  const isNear = [...xs, ...ys].every((place) => Math.abs(place) <= FARTHEST);
  const isInPicture =
    Math.max(...xs) > 0 &&
    Math.max(...ys) > 0 &&
    Math.min(...xs) < width &&
    Math.min(...ys) < height;
  const isConvex = quad.every((corner, index) => {
    const [next, after] = [quad[(index + 1) % 4]!, quad[(index + 2) % 4]!];
    const bend =
      (next.x - corner.x) * (after.y - next.y) - (next.y - corner.y) * (after.x - next.x);
    const side = length(corner, next);
    return side >= 1 && bend > LEAST_SINE * side * length(next, after);
  });
  return isNear && isInPicture && isConvex;
}

/** The same part upside down. */
export function turnedView(view: FrameView): FrameView {
  const { region, quad, ...turn } = view;
  const [a, b, c, d] = quad ?? cornersOf(region!);
  return { ...turn, quad: [c, d, a, b] };
}

const cornersOf = ({ x, y, width, height }: Box): Quad => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];
