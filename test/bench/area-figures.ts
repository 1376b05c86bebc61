import { classAreas, instanceMasks, mapAreas } from '../../native/index.ts';
import type { AreaSearch } from '../../native/index.ts';
import { measureInterleaved, type Contender, type Timing } from './measure-interleaved.ts';
import { maskAreas as javaScriptAreas } from './peers/javascript-mask-areas.ts';

export interface AreaFigure {
  readonly work: string;
  readonly addon: Timing;
  /** The same in plain JavaScript, where there is such a peer. */
  readonly javascript: Timing | undefined;
}

interface Work {
  readonly work: string;
  readonly addon: () => unknown;
  readonly javascript?: () => unknown;
}

/**
 * Maps and masks to the outlines of their areas on one thread: an anomaly map, the masks of twenty
 * detections, a map of classes. Where there is plain JavaScript for it, both must find the same areas.
 */
export async function measureAreas(rounds = 8): Promise<readonly AreaFigure[]> {
  const works = [anomalyMap(), classScores(), twentyMasks()];
  for (const { work, addon, javascript } of works) {
    if (javascript && JSON.stringify(javascript()) !== JSON.stringify(addon())) {
      throw new Error(`${work}: the addon and plain JavaScript find different areas`);
    }
  }
  const contenders = works.flatMap(({ work, addon, javascript }): Contender[] => [
    { name: `${work}: the addon`, run: addon },
    ...(javascript ? [{ name: `${work}: plain JavaScript`, run: javascript }] : []),
  ]);
  const timings = await measureInterleaved(contenders, { rounds, turnMs: 150 });
  const timingOf = (name: string) => timings.find((timing) => timing.name === name);
  return works.map(({ work }) => ({
    work,
    addon: timingOf(`${work}: the addon`)!,
    javascript: timingOf(`${work}: plain JavaScript`),
  }));
}

const searchOf = (side: number, maxAreas: number): AreaSearch => ({
  size: { width: side, height: side },
  within: { x: 0, y: 0, width: side, height: side },
  minCells: 32,
  maxAreas,
});

/** 256×256 with two defects. */
function anomalyMap(): Work {
  const side = 256;
  const values = Float32Array.from({ length: side * side }, (_, cell) => {
    const [x, y] = [cell % side, Math.floor(cell / side)];
    return Math.max(0, 1 - Math.hypot(x - 90, y - 120) / 60, 1 - Math.hypot(x - 200, y - 60) / 25);
  });
  const search = searchOf(side, 100);
  return {
    work: 'an anomaly map of 256×256, two defects',
    addon: () => {
      const found = mapAreas(values, 0.5, search);
      return 'kind' in found ? found : found.areas;
    },
    javascript: () => {
      requireFinite(values);
      const mask = new Uint8Array(values.length);
      for (let cell = 0; cell < mask.length; cell += 1) mask[cell] = values[cell]! >= 0.5 ? 1 : 0;
      return javaScriptAreas(mask, search.size, search.within, search.minCells);
    },
  };
}

/** [21, 512, 512]: the classes of a street scene, in waves. */
function classScores(): Work {
  const side = 512;
  const classCount = 21;
  const cells = side * side;
  const scores = Float32Array.from({ length: classCount * cells }, (_, index) => {
    const place = Math.floor(index / cells);
    const [x, y] = [index % side, Math.floor(index / side) % side];
    return Math.cos(x / (40 + place) + place) + Math.sin(y / (50 + 2 * place) + place);
  });
  const search = searchOf(side, 1000);
  const map = { classCount, isLast: false, background: undefined };
  return {
    work: 'scores `[21,512,512]` to classes and their areas',
    addon: () => {
      const found = classAreas(scores, map, search);
      return 'kind' in found ? found : byClass(found.areas, classCount);
    },
    javascript: () => {
      requireFinite(scores);
      const best = scores.slice(0, cells);
      const places = new Uint8Array(cells);
      for (let place = 1; place < classCount; place += 1) {
        for (let cell = 0; cell < cells; cell += 1) {
          const score = scores[place * cells + cell]!;
          if (score <= best[cell]!) continue;
          best[cell] = score;
          places[cell] = place;
        }
      }
      const mask = new Uint8Array(cells);
      return Array.from({ length: classCount }, (_, place) => {
        for (let cell = 0; cell < cells; cell += 1) mask[cell] = places[cell] === place ? 1 : 0;
        return javaScriptAreas(mask, search.size, search.within, search.minCells);
      });
    },
  };
}

const byClass = (areas: readonly { labelIndex: number; cellCount: number }[], count: number) =>
  Array.from({ length: count }, (_, place) =>
    areas
      .filter(({ labelIndex }) => labelIndex === place)
      .map((area) => ({ ...area, labelIndex: undefined })),
  );

/** Prototypes [32, 160, 160] and twenty boxes of 120×120 in an input of 640×640. */
function twentyMasks(): Work {
  const [side, channels] = [160, 32];
  const values = Float32Array.from({ length: channels * side * side }, (_, index) => {
    const channel = Math.floor(index / side ** 2);
    const [x, y] = [index % side, Math.floor(index / side) % side];
    return Math.cos((x * ((channel % 5) + 1)) / 25 + channel) * Math.cos((y * (channel % 7)) / 30);
  });
  const boxes = Float32Array.from(
    Array.from({ length: 20 }, (_, index) => {
      const [x, y] = [(index % 5) * 125, Math.floor(index / 5) * 160];
      const coefficients = Array.from({ length: channels }, (_, k) => Math.sin(k * index + k));
      return [x, y, x + 120, y + 120, ...coefficients];
    }).flat(),
  );
  const prototypes = { channels, width: side, height: side, values };
  const search = { ...searchOf(640, 8), minCells: 16 };
  return {
    work: 'the masks of 20 detections of 120×120 from prototypes `[32,160,160]`',
    addon: () => instanceMasks(prototypes, boxes, search),
  };
}

function requireFinite(values: Float32Array): void {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]! * 0;
  if (sum !== 0) throw new Error('a value is not finite');
}
