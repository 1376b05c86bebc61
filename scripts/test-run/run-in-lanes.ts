import { add, NOTHING, type Tally } from './tally.ts';

/** Runs every job, at most `lanes` at once, and adds up what they counted. */
export async function runInLanes<T>(
  jobs: readonly T[],
  lanes: number,
  run: (job: T) => Promise<Tally>,
): Promise<Tally> {
  const waiting = [...jobs];
  let total = NOTHING;
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const tally = await run(job);
      total = add(total, tally);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return total;
}
