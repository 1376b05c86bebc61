import type { Size } from '../../contract/frame.ts';
import type { Findings } from '../../contract/result.ts';

/**
 * Compares one part of the findings with what a golden picture expects.
 * @returns the differences, in words; `undefined` when findings or `expected` do not have the part
 */
export type Comparison = (
  findings: Findings,
  expected: Readonly<Record<string, unknown>>,
  picture: Size,
) => string[] | undefined;

/** Expected findings below, and found ones slightly above, may come and go. */
export const SURE_SCORE = 0.4;
export const EXTRA_SCORE = 0.45;
