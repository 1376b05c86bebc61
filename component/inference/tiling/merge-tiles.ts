import { VedetteError } from '../../contract/errors.ts';
import type { Box, FrameView } from '../../contract/frame.ts';
import type { RegionAnswer } from '../../contract/ports.ts';
import type { Anomaly, Detection, Findings, Pose, Segment } from '../../contract/result.ts';
import { boundsOf, joinAreas, type TileArea } from './join-areas.ts';
import { mergeFound } from './merge-detections.ts';
import { mergeMaps } from './merge-maps.ts';

interface Tile {
  readonly region: Box;
  readonly findings: Findings;
}

const MAX_AREAS = 100;

/**
 * The answers about the tiles of a picture as one answer about `shown`, what they cover together.
 * - detections and poses: each object once, see mergeFound
 * - anomaly: the highest score; areas joined over borders, the 100 largest listed; what tiles did not
 *   list in their parts of the picture; the map's greatest values
 * - segments: the part of the picture, ground that several tiles see divided among them; outlines joined
 *   over borders
 * @throws VedetteError REQUEST_INVALID for findings that say something about a whole picture only
 */
export function mergeTiles(
  answers: readonly RegionAnswer[],
  views: readonly FrameView[],
  shown: Box,
): RegionAnswer {
  const tiles = answers.map(({ findings }, index): Tile => ({
    findings,
    region: views[index]!.region ?? shown,
  }));
  const maps = answers.flatMap(({ anomalyMap }) => (anomalyMap ? [anomalyMap] : []));
  return {
    findings: mergeFindings(tiles, shown),
    ...(maps.length > 0 ? { anomalyMap: mergeMaps(maps, shown) } : {}),
  };
}

function mergeFindings(tiles: readonly Tile[], shown: Box): Findings {
  const { detections, anomaly, segments, poses } = tiles[0]!.findings;
  if (detections) {
    const found = tiles.map(({ region, findings }) => ({ region, found: findings.detections! }));
    return { detections: mergeFound(found, shown, enclosed) };
  }
  if (anomaly) return { anomaly: mergeAnomalies(tiles, shown) };
  if (segments) return { segments: mergeSegments(tiles, shown) };
  if (poses) {
    const found = tiles.map(({ region, findings }) => ({
      region,
      found: findings.poses!.map(withBox),
    }));
    return { poses: mergeFound(found, shown, ([surest], box) => ({ ...surest!, box })) };
  }
  throw cannotBeTiled(tiles[0]!.findings);
}

function withBox(pose: Pose): Pose & { box: Box } {
  if (!pose.box) throw cannotBeTiled({ poses: [pose] });
  return { ...pose, box: pose.box };
}

const cannotBeTiled = (findings: Findings): VedetteError =>
  new VedetteError(
    'REQUEST_INVALID',
    `what this model says of a part of a picture (${Object.keys(findings).join(', ') || 'nothing'}) cannot be put together for the whole: remove its \`tiling\``,
  );

/** All parts of a detection that no tile saw as a whole. An oriented box stays that of the surest part. */
function enclosed(parts: readonly Detection[], box: Box): Detection {
  const [surest] = parts as [Detection];
  if (surest.orientedBox) return surest;
  const polygons = parts.flatMap(({ mask }) => mask?.polygons ?? []);
  return { ...surest, box, ...(surest.mask ? { mask: { polygons } } : {}) };
}

function mergeAnomalies(tiles: readonly Tile[], shown: Box): Anomaly {
  const found = tiles.map(({ findings }) => findings.anomaly!);
  const [first] = found as [Anomaly];
  const score = Math.max(...found.map((one) => one.score));
  const merged = { score, threshold: first.threshold, isAnomalous: score >= first.threshold };
  if (first.areas === undefined) return merged;
  const areas = joinAreas(
    tiles.flatMap(({ findings, region }, tile) =>
      (findings.anomaly!.areas ?? []).map(({ polygon, areaFraction }): TileArea => ({
        tile,
        polygon,
        bounds: boundsOf(polygon),
        pixels: areaFraction * region.width * region.height,
      })),
    ),
  );
  const whole = shown.width * shown.height;
  const ground = groundOf(tiles, shown);
  // Tiles list their largest areas only; what they leave out counts as segments do.
  const unlisted = found.reduce((sum, { areas: listed = [], areaFraction = 0 }, tile) => {
    const rest = listed.reduce((left, area) => left - area.areaFraction, areaFraction);
    return sum + Math.max(0, rest) * ground[tile]!;
  }, 0);
  const total = areas.reduce((sum, { pixels }) => sum + pixels, unlisted);
  return {
    ...merged,
    areaFraction: part(total, whole),
    areas: areas
      .toSorted((a, b) => b.pixels - a.pixels)
      .slice(0, MAX_AREAS)
      .map(({ polygon, pixels }) => ({ polygon: [...polygon], areaFraction: part(pixels, whole) })),
  };
}

function mergeSegments(tiles: readonly Tile[], shown: Box): Segment[] {
  const ground = groundOf(tiles, shown);
  const labels = new Map<string, Segment>();
  for (const { findings } of tiles)
    for (const one of findings.segments!) labels.set(one.label, one);
  return [...labels.values()]
    .map(({ label, labelIndex }): Segment => {
      const ofLabel = ({ findings }: Tile) =>
        findings.segments!.filter((segment) => segment.label === label);
      const covered = tiles.reduce((sum, tile, index) => {
        const fraction = ofLabel(tile).reduce((own, { areaFraction }) => own + areaFraction, 0);
        return sum + fraction * ground[index]!;
      }, 0);
      const outlines = tiles.flatMap((tile, index) =>
        ofLabel(tile)
          .flatMap(({ polygons }) => polygons)
          .map((polygon): TileArea => ({ tile: index, polygon, bounds: boundsOf(polygon) })),
      );
      const polygons = joinAreas(outlines)
        .toSorted((a, b) => b.pixels - a.pixels)
        .slice(0, MAX_AREAS)
        .map(({ polygon }) => [...polygon]);
      return {
        label,
        labelIndex,
        areaFraction: part(covered, shown.width * shown.height),
        polygons,
      };
    })
    .sort((a, b) => b.areaFraction - a.areaFraction || a.labelIndex - b.labelIndex);
}

/** The pixels that each tile stands for; the whole picture as an additional view would count twice. */
function groundOf(tiles: readonly Tile[], shown: Box): number[] {
  const isCounted = ({ region }: Tile) => tiles.length === 1 || !isSame(region, shown);
  const counted = tiles.filter(isCounted);
  const columns = shares(counted.map(({ region }) => ({ from: region.x, length: region.width })));
  const rows = shares(counted.map(({ region }) => ({ from: region.y, length: region.height })));
  return tiles.map((tile) =>
    isCounted(tile) ? columns.get(tile.region.x)! * rows.get(tile.region.y)! : 0,
  );
}

/**
 * How much of an axis each stretch of a grid of tiles stands for, by where it begins: what several cover
 * is divided among them. The sum is the length that they cover together.
 */
function shares(all: readonly { from: number; length: number }[]): Map<number, number> {
  const stretches = [...new Map(all.map((one) => [one.from, one])).values()];
  const edges = [...new Set(stretches.flatMap(({ from, length }) => [from, from + length]))].sort(
    (a, b) => a - b,
  );
  const share = new Map(stretches.map(({ from }) => [from, 0]));
  edges.slice(1).forEach((end, index) => {
    const begin = edges[index]!;
    const over = stretches.filter(({ from, length }) => from <= begin && from + length >= end);
    for (const { from } of over) share.set(from, share.get(from)! + (end - begin) / over.length);
  });
  return share;
}

const part = (piece: number, whole: number): number =>
  Math.min(1, Math.round((piece / whole) * 1e6) / 1e6);

const isSame = (a: Box, b: Box): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
