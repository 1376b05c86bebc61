import { setTimeout as pause } from 'node:timers/promises';
import { FAULTS, type Injected, type Part } from './faults.ts';
import { seededRandom } from './random.ts';
import type { SoakScene } from './soak-scene.ts';

/** Between two faults of the same kind of part, in milliseconds; the shortest and the longest. */
const BETWEEN_MS = [4000, 20_000] as const;
const BETWEEN_CHANGES_MS = [8000, 40_000] as const;
const BETWEEN_HANGS_MS = [15_000, 45_000] as const;
const BETWEEN_ENDS_MS = [90_000, 400_000] as const;

/** Faults of one group follow each other; those of different groups come at the same time as well. */
const GROUPS: readonly {
  /** What they break. */
  readonly of: readonly Part[];
  readonly betweenMs: readonly [number, number];
}[] = [
  { of: ['runtime'], betweenMs: BETWEEN_ENDS_MS },
  { of: ['gate'], betweenMs: BETWEEN_MS },
  { of: ['belt'], betweenMs: BETWEEN_MS },
  { of: ['broker', 'receiver'], betweenMs: BETWEEN_MS },
  { of: ['plc'], betweenMs: BETWEEN_MS },
  { of: ['configuration'], betweenMs: BETWEEN_CHANGES_MS },
  { of: ['disk'], betweenMs: BETWEEN_HANGS_MS },
];

/** Injects faults at random until it is told to stop; the last ones are over when it resolves. */
export async function inject(
  scene: SoakScene,
  seed: number,
  injected: Injected[],
  stop: AbortSignal,
): Promise<void> {
  await Promise.all(
    GROUPS.map(async ({ of, betweenMs }, index) => {
      const random = seededRandom(seed + index);
      const within = ([least, most]: readonly [number, number]) =>
        least + random() * (most - least);
      const faults = FAULTS.filter(({ affects }) => of.includes(affects[0]));
      for (;;) {
        await pause(within(betweenMs), undefined, { signal: stop }).catch(() => {});
        if (stop.aborted) return;
        const fault = faults[Math.floor(random() * faults.length)]!;
        const fromMs = Date.now();
        const lastsMs = within(fault.lastsMs);
        // Until it is over nobody knows when that is.
        const entry = { name: fault.name, affects: fault.affects, fromMs };
        const index = injected.push({ ...entry, toMs: Infinity, allowedUntilMs: Infinity }) - 1;
        await fault.run(scene, lastsMs);
        const toMs = Date.now();
        injected[index] = { ...entry, toMs, allowedUntilMs: toMs + fault.recoveryMs };
      }
    }),
  );
}
