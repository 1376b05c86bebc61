import { munkres } from 'munkres';

/**
 * Pairs rows with columns so that the sum of costs is the least, where leaving a pair apart costs
 * `limit`; a pair that costs `limit` or more is never made (`lap.lapjv` with `cost_limit`, as ByteTrack
 * uses it, decides the same). Rows and columns that no such pair joins do not concern each other: each
 * connected group is assigned by itself, with the same least sum and far less work.
 * @param costs [rows][columns], finite, 0 or more
 * @returns pairs in the order of rows
 */
export function assign(
  costs: readonly (readonly number[])[],
  limit: number,
): readonly (readonly [row: number, column: number])[] {
  if (costs.length === 0 || costs[0]!.length === 0) return [];
  const pairs = groupsOf(costs, limit).flatMap(({ rows, columns }) => {
    if (rows.length === 1 && columns.length === 1) return [[rows[0]!, columns[0]!] as const];
    const capped = rows.map((row) =>
      columns.map((column) => Math.min(costs[row]![column]!, limit)),
    );
    return munkres(capped)
      .map(([row, column]) => [rows[row]!, columns[column]!] as const)
      .filter(([row, column]) => costs[row]![column]! < limit);
  });
  return pairs.sort(([a], [b]) => a - b);
}

interface Group {
  readonly rows: number[];
  readonly columns: number[];
}

/** Connected components of the graph whose edges are the pairs below the limit. */
function groupsOf(costs: readonly (readonly number[])[], limit: number): Group[] {
  const partners: number[][] = costs.map(() => []);
  const rowsOf: number[][] = costs[0]!.map(() => []);
  for (const [row, own] of costs.entries()) {
    for (let column = 0; column < own.length; column += 1) {
      if (own[column]! >= limit) continue;
      partners[row]!.push(column);
      rowsOf[column]!.push(row);
    }
  }
  const isRowSeen = new Uint8Array(costs.length);
  const isColumnSeen = new Uint8Array(rowsOf.length);
  const groups: Group[] = [];
  for (const first of costs.keys()) {
    if (isRowSeen[first] === 1 || partners[first]!.length === 0) continue;
    isRowSeen[first] = 1;
    const group: Group = { rows: [first], columns: [] };
    // The rows grow while they are walked.
    for (const row of group.rows) {
      for (const column of partners[row]!) {
        if (isColumnSeen[column] === 1) continue;
        isColumnSeen[column] = 1;
        group.columns.push(column);
        for (const next of rowsOf[column]!) {
          if (isRowSeen[next] === 1) continue;
          isRowSeen[next] = 1;
          group.rows.push(next);
        }
      }
    }
    groups.push(group);
  }
  return groups;
}
