import type { Box, Size } from '../../../component/contract/frame.ts';

/**
 * Instance masks, slow and plainly after the rule in native/README.md: logits at the size of the
 * prototypes, cropped to the box, enlarged bilinearly, greater than 0.
 */
export function instanceMaskReference(
  prototypes: Size & { readonly channels: number; readonly values: ArrayLike<number> },
  box: readonly number[],
  coefficients: readonly number[],
  input: Size,
): { readonly mask: Uint8Array; readonly values: Float64Array } {
  const { width, height, channels, values } = prototypes;
  const toCells = { x: width / input.width, y: height / input.height };
  const logit = (column: number, row: number): number => {
    const isInBox =
      column >= box[0]! * toCells.x &&
      column < box[2]! * toCells.x &&
      row >= box[1]! * toCells.y &&
      row < box[3]! * toCells.y;
    if (!isInBox) return 0;
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += coefficients[channel]! * values[(channel * height + row) * width + column]!;
    }
    return sum;
  };
  const logits = Float64Array.from({ length: width * height }, (_, cell) =>
    logit(cell % width, Math.floor(cell / width)),
  );
  const enlarged = new Float64Array(input.width * input.height);
  for (let y = 0; y < input.height; y += 1) {
    const down = tap(y, toCells.y, height);
    for (let x = 0; x < input.width; x += 1) {
      const across = tap(x, toCells.x, width);
      const row = (at: number) =>
        logits[at * width + across.near]! * (1 - across.weight) +
        logits[at * width + across.far]! * across.weight;
      enlarged[y * input.width + x] =
        row(down.near) * (1 - down.weight) + row(down.far) * down.weight;
    }
  }
  return { mask: Uint8Array.from(enlarged, (value) => (value > 0 ? 1 : 0)), values: enlarged };
}

function tap(pixel: number, scale: number, cells: number) {
  const place = Math.max(0, (pixel + 0.5) * scale - 0.5);
  const near = Math.min(Math.floor(place), cells - 1);
  return { near, far: Math.min(near + 1, cells - 1), weight: place - near };
}

/** The cells of a contour and its holes, by whether a cell's centre lies inside (even-odd). */
export function fillContours(
  contours: readonly (readonly { x: number; y: number }[])[],
  size: Size,
): Uint8Array {
  const mask = new Uint8Array(size.width * size.height);
  for (const contour of contours) {
    for (let y = 0; y < size.height; y += 1) {
      const crossings = contour
        .flatMap((corner, index) => {
          const next = contour[(index + 1) % contour.length]!;
          const isCrossing = corner.x === next.x && corner.y <= y !== next.y <= y;
          return isCrossing ? [corner.x] : [];
        })
        .sort((a, b) => a - b);
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        mask.fill(1, y * size.width + crossings[pair]!, y * size.width + crossings[pair + 1]!);
      }
    }
  }
  return mask;
}

/** Sets what unset cells enclose nowhere reach the border of. */
export function withoutHoles(mask: Uint8Array, { width, height }: Size, within: Box): Uint8Array {
  const outside = new Uint8Array(width * height);
  const stack: number[] = [];
  const visit = (x: number, y: number) => {
    const isInBox =
      x >= within.x && y >= within.y && x < within.x + within.width && y < within.y + within.height;
    const cell = y * width + x;
    if (!isInBox || mask[cell] || outside[cell]) return;
    outside[cell] = 1;
    stack.push(cell);
  };
  for (let x = within.x; x < within.x + within.width; x += 1) {
    visit(x, within.y);
    visit(x, within.y + within.height - 1);
  }
  for (let y = within.y; y < within.y + within.height; y += 1) {
    visit(within.x, y);
    visit(within.x + within.width - 1, y);
  }
  for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
    const [x, y] = [cell % width, Math.floor(cell / width)];
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return Uint8Array.from(outside, (isOutside) => 1 - isOutside);
}
