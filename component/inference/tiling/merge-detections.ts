import type { Box } from '../../contract/frame.ts';

/** Something with a place that may show in several tiles. */
export interface Placed {
  readonly label?: string | undefined;
  readonly score: number;
  readonly box: Box;
}

/** What one tile found. */
export interface TileFound<T extends Placed> {
  readonly region: Box;
  readonly found: readonly T[];
}

interface Candidate<T extends Placed> {
  readonly one: T;
  readonly tile: number;
  /** Ends at a border of its tile that is not one of the picture: there may be more of it. */
  readonly isCut: boolean;
}

/** Boxes that agree this much where both tiles look are one object. */
const MIN_AGREEMENT = 0.5;
/** A box that ends so near to the border of its tile is taken for cut off, in parts of the tile's side. */
const CUT_MARGIN = 0.01;
/** Work and answers stay bounded, whatever the tiles found. */
const MAX_CANDIDATES = 20_000;
export const MAX_MERGED = 2000;

/**
 * Objects found in overlapping tiles, each once. Two boxes of the same label from different tiles are
 * one object when, cut to the ground that both tiles see, their IoU is at least 0.5. SAHI (Akyon et al.,
 * «Slicing Aided Hyper Inference», ICIP 2022) merges greedily by intersection over the smaller box;
 * looking at the common ground alone joins the two ends of an object that is longer than the overlap,
 * and leaves a small object before a large one alone. What one tile found twice stays two.
 *
 * The surest box that is not cut off stands for the object; where all are cut, what encloses them. The
 * score is the highest.
 * @param shown what the tiles cover together
 * @param enclose how several parts of an object become one
 */
export function mergeFound<T extends Placed>(
  tiles: readonly TileFound<T>[],
  shown: Box,
  enclose: (parts: readonly T[], box: Box) => T,
): T[] {
  const candidates = tiles
    .flatMap(({ region, found }, tile) =>
      found.map((one): Candidate<T> => ({ one, tile, isCut: isCutOff(one.box, region, shown) })),
    )
    .sort((a, b) => b.one.score - a.one.score || a.tile - b.tile)
    .slice(0, MAX_CANDIDATES);
  const regions = tiles.map(({ region }) => region);
  return groupsOf(candidates, regions)
    .map((group) => joined(group, enclose))
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_MERGED);
}

/** Greedy, surest first: each joins all groups that it agrees with and whose tiles it does not repeat. */
function groupsOf<T extends Placed>(
  candidates: readonly Candidate<T>[],
  regions: readonly Box[],
): Candidate<T>[][] {
  const groups = new Set<Candidate<T>[]>();
  const near = new NearBoxes<{ candidate: Candidate<T>; holder: { group: Candidate<T>[] } }>();
  for (const candidate of candidates) {
    const holder = { group: [candidate] };
    groups.add(holder.group);
    for (const other of near.around(candidate.one.box)) {
      if (other.holder.group === holder.group) continue;
      if (!agree(candidate, other.candidate, regions)) continue;
      const tilesTaken = new Set(other.holder.group.map(({ tile }) => tile));
      if (holder.group.some(({ tile }) => tilesTaken.has(tile))) continue;
      const absorbed = holder.group;
      const kept = other.holder.group;
      kept.push(...absorbed);
      groups.delete(absorbed);
      if (absorbed.length > 1) {
        for (const known of near.all) {
          if (known.holder.group === absorbed) known.holder.group = kept;
        }
      }
      holder.group = kept;
    }
    near.add(candidate.one.box, { candidate, holder });
  }
  return [...groups];
}

function agree<T extends Placed>(
  a: Candidate<T>,
  b: Candidate<T>,
  regions: readonly Box[],
): boolean {
  if (a.tile === b.tile || a.one.label !== b.one.label) return false;
  const ground = intersection(regions[a.tile]!, regions[b.tile]!);
  if (!ground) return false;
  const [boxA, boxB] = [intersection(a.one.box, ground), intersection(b.one.box, ground)];
  if (!boxA || !boxB) return false;
  const shared = intersection(boxA, boxB);
  if (!shared) return false;
  return areaOf(shared) >= MIN_AGREEMENT * (areaOf(boxA) + areaOf(boxB) - areaOf(shared));
}

function joined<T extends Placed>(
  group: readonly Candidate<T>[],
  enclose: (parts: readonly T[], box: Box) => T,
): T {
  const whole = group.filter(({ isCut }) => !isCut);
  const bySurest = (a: Candidate<T>, b: Candidate<T>) => b.one.score - a.one.score;
  const score = Math.max(...group.map(({ one }) => one.score));
  const [surest] = whole.toSorted(bySurest);
  if (surest) return { ...surest.one, score };
  if (group.length === 1) return group[0]!.one;
  const parts = group.toSorted(bySurest).map(({ one }) => one);
  return { ...enclose(parts, hull(parts.map(({ box }) => box))), score };
}

function isCutOff(box: Box, region: Box, shown: Box): boolean {
  const margin = {
    x: Math.max(1, region.width * CUT_MARGIN),
    y: Math.max(1, region.height * CUT_MARGIN),
  };
  return (
    (region.x > shown.x && box.x <= region.x + margin.x) ||
    (region.y > shown.y && box.y <= region.y + margin.y) ||
    (right(region) < right(shown) && right(box) >= right(region) - margin.x) ||
    (bottom(region) < bottom(shown) && bottom(box) >= bottom(region) - margin.y)
  );
}

/** Boxes by the cells that they touch, so that only neighbours are compared. */
class NearBoxes<V> {
  readonly all: V[] = [];
  readonly #cells = new Map<string, V[]>();
  readonly #huge: V[] = [];

  add(box: Box, value: V): void {
    this.all.push(value);
    const keys = cellsOf(box);
    if (keys === undefined) this.#huge.push(value);
    for (const key of keys ?? []) {
      const cell = this.#cells.get(key);
      if (cell) cell.push(value);
      else this.#cells.set(key, [value]);
    }
  }

  around(box: Box): Iterable<V> {
    const keys = cellsOf(box);
    if (keys === undefined) return [...this.all];
    const found = new Set<V>(this.#huge);
    for (const key of keys) for (const value of this.#cells.get(key) ?? []) found.add(value);
    return found;
  }
}

const CELL_PX = 128;
const MAX_CELLS = 256;

/** `undefined` for a box over so many cells that it is cheaper to compare it with everything. */
function cellsOf(box: Box): string[] | undefined {
  const [left, top] = [Math.floor(box.x / CELL_PX), Math.floor(box.y / CELL_PX)];
  const columns = Math.floor(right(box) / CELL_PX) - left + 1;
  const rows = Math.floor(bottom(box) / CELL_PX) - top + 1;
  if (columns * rows > MAX_CELLS) return undefined;
  return Array.from(
    { length: columns * rows },
    (_, i) => `${left + (i % columns)}/${top + Math.floor(i / columns)}`,
  );
}

const right = ({ x, width }: Box): number => x + width;
const bottom = ({ y, height }: Box): number => y + height;
const areaOf = ({ width, height }: Box): number => width * height;

export function intersection(a: Box, b: Box): Box | undefined {
  const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)];
  const width = Math.min(right(a), right(b)) - x;
  const height = Math.min(bottom(a), bottom(b)) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

export function hull(boxes: readonly Box[]): Box {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...boxes.map(right)) - x,
    height: Math.max(...boxes.map(bottom)) - y,
  };
}
