/** How a model's work is spread over cores. */
export interface ThreadLayout {
  readonly workers: number;
  readonly threads: number;
}

/** More sessions than this fill the memory before they fill the cores. */
const MOST_WORKERS = 16;

/**
 * Layouts worth measuring on a machine: one worker alone, every core a worker, one worker with every
 * core, and in between where there are four cores or more.
 */
export function layoutsFor(cores: number): ThreadLayout[] {
  const most = Math.min(cores, MOST_WORKERS);
  const layouts: ThreadLayout[] = [{ workers: 1, threads: 1 }];
  if (cores >= 2) layouts.push({ workers: most, threads: 1 });
  if (cores >= 4) layouts.push({ workers: Math.floor(most / 2), threads: 2 });
  if (cores >= 2) layouts.push({ workers: 1, threads: Math.min(cores, 64) });
  return layouts;
}

export const layoutText = ({ workers, threads }: ThreadLayout): string => `${workers} × ${threads}`;
