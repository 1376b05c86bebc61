import type { Box } from '../../contract/frame.ts';
import type { AnomalyMap } from '../../contract/ports.ts';

/** For drawing: more cells than this along the longer side are not seen. */
const MAX_SIDE = 512;

/** The maps of tiles as one over what they cover together: in each cell the greatest value. */
export function mergeMaps(maps: readonly AnomalyMap[], shown: Box): AnomalyMap {
  const longer = Math.max(shown.width, shown.height);
  const scale = Math.min(1, MAX_SIDE / longer);
  const width = Math.max(1, Math.round(shown.width * scale));
  const height = Math.max(1, Math.round(shown.height * scale));
  const data = new Uint8Array(width * height);
  const cell = { width: shown.width / width, height: shown.height / height };
  for (const map of maps) {
    const { region } = map;
    const [left, right] = range(region.x - shown.x, region.width, cell.width, width);
    const [top, bottom] = range(region.y - shown.y, region.height, cell.height, height);
    for (let y = top; y < bottom; y += 1) {
      const fromTop = shown.y + (y + 0.5) * cell.height - region.y;
      const row = Math.floor((fromTop / region.height) * map.height);
      for (let x = left; x < right; x += 1) {
        const fromLeft = shown.x + (x + 0.5) * cell.width - region.x;
        const column = Math.floor((fromLeft / region.width) * map.width);
        const value = map.data[row * map.width + column]!;
        if (value > data[y * width + x]!) data[y * width + x] = value;
      }
    }
  }
  return { width, height, data, region: { ...shown } };
}

/** The cells whose middle lies within a stretch: first, and first beyond. */
function range(from: number, length: number, cell: number, count: number): [number, number] {
  const first = Math.max(0, Math.ceil(from / cell - 0.5));
  const beyond = Math.min(count, Math.ceil((from + length) / cell - 0.5));
  return [first, beyond];
}
