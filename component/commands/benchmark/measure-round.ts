import type { PictureRunner } from '../../inference/picture-runner.ts';
import type { PictureTimes, RoundResult } from './bench-figures.ts';

const REQUEST = { thresholds: { labels: {} }, wantsAnomalyMap: false } as const;
/** Until caches, pages and the processor's clock have settled. */
const WARM_UP_PICTURES = 3;

/**
 * Keeps every worker of a model busy for so long, each with the next picture as soon as it has
 * answered the last.
 * @throws VedetteError of the first picture that fails
 */
export async function measureRound(
  runner: PictureRunner,
  pictures: readonly Uint8Array[],
  seconds: number,
  isWanted: () => boolean,
): Promise<RoundResult> {
  let next = 0;
  const judge = async (): Promise<PictureTimes> => {
    const data = pictures[next % pictures.length]!.slice();
    next += 1;
    const begin = performance.now();
    const { timings } = await runner.judge(data as Uint8Array<ArrayBuffer>, REQUEST);
    return {
      totalMs: performance.now() - begin,
      prepareMs: timings.preprocessMs,
      runMs: timings.runMs,
      decodeMs: timings.decodeMs,
    };
  };
  const lanes = Array.from({ length: runner.workers });
  await Promise.all(
    lanes.map(async () => {
      for (let count = 0; count < WARM_UP_PICTURES; count += 1) await judge();
    }),
  );
  const times: PictureTimes[] = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  await Promise.all(
    lanes.map(async () => {
      do times.push(await judge());
      while (performance.now() < end && isWanted());
    }),
  );
  return { picturesPerSecond: (times.length / (performance.now() - begin)) * 1000, times };
}
