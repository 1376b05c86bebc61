import type { Detection } from '../../component/contract/result.ts';
import { trackingSchema } from '../../component/contract/space-config.ts';
import { tileRegions } from '../../component/contract/tiles.ts';
import { intersection, mergeFound } from '../../component/inference/tiling/merge-detections.ts';
import { ByteTracker } from '../../component/pipeline/tracking/byte-tracker.ts';
import { measureInterleaved } from './measure-interleaved.ts';
import { ms, span } from './number-text.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';

export const trackingSection: Section = {
  name: 'tracking',
  title: 'Following objects, and putting tiles together',
  run: measureTracking,
};

const PICTURE = { x: 0, y: 0, width: 6000, height: 4000 };
const FRAMES = 50;

async function measureTracking({ progress }: BenchContext): Promise<SectionReport> {
  progress('objects in frames and in tiles');
  const contenders = [10, 100, 300].map((count) => ({
    name: `tracker, ${count} objects a frame`,
    run: trackedFrames(count),
    calls: FRAMES,
  }));
  const merging = [100, 1000].map((count) => ({
    name: `tiles of 24 megapixels, ${count} objects`,
    run: mergedTiles(count),
    calls: 1,
  }));
  const all = [...contenders, ...merging];
  const timings = await measureInterleaved(all, { rounds: 10, turnMs: 200 });
  const rows = timings.map(({ name, medianMs, lowestMs, highestMs }, index) => {
    const { calls } = all[index]!;
    return [name, ms(medianMs / calls), span(lowestMs / calls, highestMs / calls)];
  });
  return {
    method: `Tracker: ${FRAMES} frames of objects that walk, of which every tenth is missed and every fifth scores low; the time of one frame, on the main thread. Tiles: boxes of objects at random places, as 96 tiles of 640 × 640 see them, put together to one list; in the model's worker.`,
    tables: [
      {
        columns: ['work', 'time', 'by round'],
        rows,
        says: `Following 100 objects takes ${rows[1]![1]} a frame; putting 1000 objects of 96 tiles together takes ${rows[4]![1]} a picture.`,
      },
    ],
  };
}

/** The same numbers in every run (Park and Miller's generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function trackedFrames(count: number): () => void {
  const random = randomNumbers(count);
  const walkers = Array.from({ length: count }, () => ({
    x: random() * 3800,
    y: random() * 2100,
    dx: random() * 16 - 8,
    dy: random() * 8 - 4,
  }));
  const frames = Array.from({ length: FRAMES }, (_, frame) =>
    walkers
      .filter(() => random() > 0.1)
      .map(({ x, y, dx, dy }): Detection => ({
        label: 'person',
        labelIndex: 0,
        score: random() < 0.2 ? 0.3 : 0.8,
        box: { x: x + dx * frame, y: y + dy * frame, width: 40, height: 90 },
      })),
  );
  const { minOverlap, maxLostMs, confirmFrames } = trackingSchema.parse({});
  return () => {
    let last = 0;
    const tracker = new ByteTracker({ minOverlap, maxLostMs, confirmFrames }, () => (last += 1));
    frames.forEach((detections, frame) => {
      tracker.update(detections, ({ score }) => score >= 0.5, frame * 100);
    });
  };
}

function mergedTiles(count: number): () => void {
  const random = randomNumbers(count);
  const regions = tileRegions(PICTURE, { width: 640, height: 640 }, 128);
  const objects = Array.from({ length: count }, () => ({
    label: 'part',
    score: random(),
    box: {
      x: random() * 5800,
      y: random() * 3800,
      width: 20 + random() * 180,
      height: 20 + random() * 180,
    },
  }));
  const tiles = regions.map((region) => ({
    region,
    found: objects.flatMap((object) => {
      const box = intersection(object.box, region);
      return box ? [{ ...object, box }] : [];
    }),
  }));
  return () => {
    mergeFound(tiles, PICTURE, ([first], box) => ({ ...first!, box }));
  };
}
