import { munkres } from 'munkres';

/**
 * Pairs rows with columns so that the sum of costs is the least, where leaving a pair apart costs
 * `limit`; a pair that costs `limit` or more is never made (`lap.lapjv` with `cost_limit`, as ByteTrack
 * uses it, decides the same).
 * @param costs [rows][columns], finite, 0 or more
 */
export function assign(
  costs: readonly (readonly number[])[],
  limit: number,
): readonly (readonly [row: number, column: number])[] {
  if (costs.length === 0 || costs[0]!.length === 0) return [];
  const capped = costs.map((row) => row.map((cost) => Math.min(cost, limit)));
  return munkres(capped).filter(([row, column]) => costs[row]![column]! < limit);
}
