/** Values of a tensor with scale 1/255 for one grey level. */
export const GREY_LEVEL = 1 / 255;

export interface Distance {
  /** In grey levels. */
  readonly mean: number;
  readonly most: number;
}

/** How far two tensors of one shape are apart; infinitely where one has no number. */
export function distance(a: Float32Array, b: Float32Array, greyLevel = GREY_LEVEL): Distance {
  if (a.length !== b.length) {
    throw new Error(`tensors of ${a.length} and ${b.length} values are not of the same work`);
  }
  let sum = 0;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(apart)) return { mean: Infinity, most: Infinity };
    sum += apart;
    if (apart > most) most = apart;
  }
  return { mean: sum / a.length / greyLevel, most: most / greyLevel };
}
