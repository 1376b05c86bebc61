import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Tiles that overlap as much as they are wide would never get on. */
export function tilingProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return ['models', 'cameras'].flatMap((section) =>
    Object.entries(mapAt(tree, section)).flatMap(([name, entry]) => {
      if (!isMap(entry)) return [];
      const tiling = mapAt(entry, 'tiling');
      const overlapPx = Number(tiling['overlapPx']);
      return ['tileWidth', 'tileHeight']
        .filter((side) => tiling[side] !== undefined && overlapPx >= Number(tiling[side]))
        .map((side) => ({
          path: `${section}.${name}.tiling.overlapPx`,
          message: `must be below \`${side}\` (${Number(tiling[side])}), got ${overlapPx}`,
        }));
    }),
  );
}
