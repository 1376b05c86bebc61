export interface CountLimits {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}

/** Such as «at least 1 and at most 4». */
export const limitsText = ({ minimum, maximum }: CountLimits): string =>
  [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
  ].join(' and ');

export const isOutside = (count: number, { minimum, maximum }: CountLimits): boolean =>
  (minimum !== undefined && count < minimum) || (maximum !== undefined && count > maximum);
