import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../component/contract/tensor.ts';
import { jpegToTensor, KeptTensor, rawToTensor } from '../../native/index.ts';
import { busyFullHdJpeg, yuvFrame } from './bench-pictures.ts';
import { measureInterleaved, processMs, type Timing } from './measure-interleaved.ts';
import { digits, percent, span } from './number-text.ts';
import { letterbox } from './raw-contenders.ts';
import type { BenchContext, MeasuredTarget, Section, SectionReport } from './section.ts';
import { median } from './statistics.ts';

/** Calls that are timed together: one alone is shorter than a clock can tell. */
const BATCH = 1000;
const ROUNDS = { rounds: 10, turnMs: 100, clock: processMs };
const MOST_US = 2;
/** Enough that a heap counts them, and little enough that no collection comes in between. */
const COUNTED_CALLS = 2000;
const COUNTED_JPEGS = 20;
const COUNTS = 9;

export const callSection: Section = {
  name: 'call',
  title: 'A call from Node, and what it allocates',
  run: measureCalls,
};

interface Call {
  readonly name: string;
  readonly run: () => unknown;
  readonly batch: number;
  readonly counted: number;
}

interface MeasuredCall {
  readonly call: Call;
  readonly timing: Timing;
  readonly heapBytes: number;
  readonly pageFaults: number;
}

async function measureCalls({ root, progress }: BenchContext): Promise<SectionReport> {
  const calls = await makeCalls(root);
  const measured: MeasuredCall[] = [];
  for (const call of calls) {
    progress(call.name);
    const batch = () => {
      for (let index = 0; index < call.batch; index++) call.run();
    };
    const [timing] = await measureInterleaved([{ name: call.name, run: batch }], ROUNDS);
    measured.push({ call, timing: timing!, ...(await countAllocation(call)) });
  }
  const nothing = measured[0]!;
  return {
    method: `Processor time of the process. «Nothing» is the least that \`rawToTensor\` can be asked for, one grey pixel to a tensor of one value: arguments are checked, the addon is entered and left, and a transform is returned. ${BATCH} such calls are timed together. Bytes are those by which V8’s heap grows from call to call after the first thousands, where no collection came in between; page faults say whether any memory, also outside of V8, was fresh.`,
    tables: [
      {
        columns: ['call', 'µs', 'by round', 'bytes on the heap a call', 'page faults a call'],
        rows: measured.map(({ call, timing, heapBytes, pageFaults }) => [
          call.name,
          digits(microseconds(timing.medianMs, call)),
          span(microseconds(timing.lowestMs, call), microseconds(timing.highestMs, call)),
          digits(heapBytes),
          digits(pageFaults),
        ]),
        says: `A call that does nothing costs ${digits(microseconds(nothing.timing.medianMs, nothing.call))} µs and leaves ${digits(nothing.heapBytes)} bytes to collect.`,
      },
    ],
    targets: [timeTarget(nothing), allocationTarget(measured)],
  };
}

async function makeCalls(root: string): Promise<Call[]> {
  const least: TensorSpec = {
    ...letterbox(1),
    dtype: 'uint8',
    colourOrder: 'gray',
    resize: 'stretch',
    scale: 1,
    mean: [0],
    std: [1],
  };
  const pixel = { format: 'gray8', width: 1, height: 1, data: new Uint8Array(1) } as const;
  const value = new KeptTensor(new Uint8Array(1));
  const spec = letterbox(640);
  const tensor = new KeptTensor(new Float32Array(tensorElements(spec)));
  const jpeg = await busyFullHdJpeg(root);
  const frame = await yuvFrame(jpeg, 'nv12');
  return [
    {
      name: '`rawToTensor`, nothing',
      run: () => rawToTensor(pixel, WHOLE_FRAME, least, value),
      batch: BATCH,
      counted: COUNTED_CALLS,
    },
    {
      name: '`rawToTensor`, NV12 1920×1080 → 640×640',
      run: () => rawToTensor(frame, WHOLE_FRAME, spec, tensor),
      batch: 1,
      counted: COUNTED_CALLS,
    },
    {
      name: '`jpegToTensor`, 1920×1080 → 640×640',
      run: () => jpegToTensor(jpeg, WHOLE_FRAME, spec, tensor, 100_000_000),
      batch: 1,
      counted: COUNTED_JPEGS,
    },
  ];
}

/** Medians of counts during which V8 collected nothing. */
async function countAllocation({
  run,
  counted,
}: Call): Promise<{ heapBytes: number; pageFaults: number }> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const heap: number[] = [];
  const faults: number[] = [];
  try {
    for (let attempt = 0; attempt < 5 * COUNTS && heap.length < COUNTS; attempt++) {
      collections = 0;
      const faultsBefore = process.resourceUsage().minorPageFault;
      const heapBefore = getHeapStatistics().used_heap_size;
      for (let index = 0; index < counted; index++) run();
      const heapAfter = getHeapStatistics().used_heap_size;
      const faultsAfter = process.resourceUsage().minorPageFault;
      // The observer hears of collections when the loop turns.
      await pause(5);
      if (collections > 0) continue;
      heap.push(heapAfter - heapBefore);
      faults.push(faultsAfter - faultsBefore);
    }
  } finally {
    observer.disconnect();
  }
  if (heap.length === 0) throw new Error('V8 collected garbage during every count');
  // What asking for the numbers itself leaves is less than a byte a call.
  return { heapBytes: Math.round(median(heap) / counted), pageFaults: median(faults) / counted };
}

const microseconds = (batchMs: number, { batch }: Call): number => (batchMs * 1000) / batch;

function timeTarget({ call, timing }: MeasuredCall): MeasuredTarget {
  const got = microseconds(timing.medianMs, call);
  return {
    what: 'a call from Node that does nothing',
    reach: `≤ ${MOST_US} µs`,
    got: `${digits(got)} µs`,
    byRound: `${span(microseconds(timing.lowestMs, call), microseconds(timing.highestMs, call))} µs`,
    isReached: got <= MOST_US,
    missedBy: percent(1 - MOST_US / got),
  };
}

/** The most that any of the calls leaves. */
function allocationTarget(measured: readonly MeasuredCall[]): MeasuredTarget {
  const most = Math.max(...measured.map(({ heapBytes }) => heapBytes));
  return {
    what: 'memory allocated for a frame in steady state',
    reach: '0 bytes',
    got: `${digits(most)} bytes`,
    isReached: most <= 0,
    missedBy: `${digits(most)} bytes`,
  };
}
