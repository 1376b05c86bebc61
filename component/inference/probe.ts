/**
 * Child process that tries an untrusted model: loads it, runs it once, checks its outputs and golden
 * pictures, all within a memory limit. It may crash or hang: its parent copes with both.
 */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { kernelName, limitDataMemory } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import { checkGolden } from './check-golden.ts';
import { loadRuntime } from './execution/load-runtime.ts';
import { ModelSession } from './model-session.ts';
import type { FromProbe, ProbeOrder } from './run-probe.ts';
import { mayComeBack, stepAside } from './thread-priority.ts';

process.once('message', (order: ProbeOrder) => void probe(order));

async function probe(order: ProbeOrder): Promise<void> {
  try {
    // A machine without the addon is told so before anything else of Linux is asked for.
    kernelName();
    const niceness = getPriority(0);
    if (order.isAside) stepAside('always');
    await tell({ kind: 'stage', stage: 'starting ONNX Runtime' });
    const runtime = await loadRuntime(order.setup.execution.library);
    // The limit is for the model: what Node and the libraries hold already comes on top.
    const withoutModel = process.memoryUsage.rss();
    limitDataMemory(dataBytes() + order.memoryMegabytes * 1024 * 1024);
    await tell({ kind: 'stage', stage: 'loading the model' });
    const begin = performance.now();
    const session = await ModelSession.open(runtime, order.setup);
    const loadMs = performance.now() - begin;
    await tell({ kind: 'stage', stage: 'the first run' });
    const firstRunMs = await session.warmUp();
    const { provider } = await session.executionReport();
    if (order.golden.length > 0) {
      await tell({ kind: 'stage', stage: 'the golden pictures' });
      await checkGolden(session, order.folder, order.golden);
    }
    const runs: number[] = [];
    if (order.measuredRuns > 0) await tell({ kind: 'stage', stage: 'the measured runs' });
    while (runs.length < order.measuredRuns) runs.push(await session.warmUp());
    await tell({
      kind: 'passed',
      loadMs,
      executionProvider: provider,
      firstRunMs,
      ...(runs.length > 0 ? { medianRunMs: median(runs) } : {}),
      memoryMegabytes: Math.ceil(process.resourceUsage().maxRSS / 1024),
      modelMegabytes: Math.max(
        0,
        Math.ceil(process.resourceUsage().maxRSS / 1024 - withoutModel / 1_048_576),
      ),
      mayComeBack: order.isAside && mayComeBack(niceness),
    });
  } catch (error) {
    await tell({ kind: 'refused', error: VedetteError.from(error).serialize() });
  }
  process.disconnect();
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function tell(message: FromProbe): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error: Error | null) =>
      error ? reject(error) : resolve(),
    );
  });
}

/** Writable private memory of this process, which is what RLIMIT_DATA counts (proc(5), VmData). */
function dataBytes(): number {
  const line = /^VmData:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
