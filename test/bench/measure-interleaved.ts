import { median, range, type Range } from './statistics.ts';

export interface LocalContender {
  readonly name: string;
  /** One piece of work; a promise is waited for. */
  run(): unknown;
}

/** Works in another process, which times its own calls. */
export interface RemoteContender {
  readonly name: string;
  /** @returns milliseconds of each call */
  turn(turnMs: number): Promise<readonly number[]>;
}

export type Contender = LocalContender | RemoteContender;

export interface InterleavedOptions {
  readonly rounds: number;
  /** How long a contender works in each round, in milliseconds. */
  readonly turnMs: number;
  /** Milliseconds, of what is told in the section; by default those of the clock on the wall. */
  readonly clock?: () => number;
}

/** Processor time of all threads of this process, for work that is done in more than one of them. */
export function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export interface Timing {
  readonly name: string;
  readonly calls: number;
  /** Median of all calls, in milliseconds. */
  readonly medianMs: number;
  /** Least and greatest of the rounds' medians: how much the machine wavered. */
  readonly lowestMs: number;
  readonly highestMs: number;
  readonly roundMediansMs: readonly number[];
}

const FEWEST_CALLS = 3;

/**
 * Lets contenders take turns, in a different order each round, so that whatever else the machine
 * does falls on all of them alike. A first round, not counted, warms caches and the compiler.
 */
export async function measureInterleaved(
  contenders: readonly Contender[],
  { rounds, turnMs, clock = () => performance.now() }: InterleavedOptions,
): Promise<readonly Timing[]> {
  for (const contender of contenders) await takeTurn(contender, turnMs, clock);
  const turns = contenders.map((): (readonly number[])[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < contenders.length; step++) {
      const index = (round + step) % contenders.length;
      turns[index]!.push(await takeTurn(contenders[index]!, turnMs, clock));
    }
  }
  return contenders.map(({ name }, index) => summarise(name, turns[index]!));
}

/** @returns milliseconds of each call */
async function takeTurn(
  contender: Contender,
  turnMs: number,
  clock: () => number,
): Promise<readonly number[]> {
  if ('turn' in contender) return contender.turn(turnMs);
  const calls: number[] = [];
  const end = clock() + turnMs;
  let now = clock();
  while (now < end || calls.length < FEWEST_CALLS) {
    const value = contender.run();
    if (value instanceof Promise) await value;
    const after = clock();
    calls.push(after - now);
    now = after;
  }
  return calls;
}

function summarise(name: string, turns: readonly (readonly number[])[]): Timing {
  const roundMediansMs = turns.map(median);
  const { lowest, highest } = range(roundMediansMs);
  const all = turns.flat();
  return {
    name,
    calls: all.length,
    medianMs: median(all),
    lowestMs: lowest,
    highestMs: highest,
    roundMediansMs,
  };
}

export interface Comparison extends Range {
  readonly ratio: number;
}

/** How many times as long the second takes as the first: of the medians, and least and greatest by round. */
export function compare(ours: Timing, peer: Timing): Comparison {
  const byRound = ours.roundMediansMs.map((value, round) => peer.roundMediansMs[round]! / value);
  return { ratio: peer.medianMs / ours.medianMs, ...range(byRound) };
}
