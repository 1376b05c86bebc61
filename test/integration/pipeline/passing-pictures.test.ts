import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { LiveView } from '../../../component/pipeline/live-view.ts';
import { Pictures } from '../../../component/pipeline/pictures.ts';
import { inspectImage } from '../../../native/index.ts';
import { sampleResult } from '../registry/sample-result.ts';

const never = new AbortController().signal;

it('a camera that waits for triggers is seen, and a verdict goes before what passes and stays', async () => {
  const street = readFileSync('samples/images/street/walkway-00.jpg');
  const pictures = new Pictures(100_000_000);
  const slots = new FrameSlots({ slots: 3, slotBytes: 2_000_000, policy: 'passing' });
  const { liveView } = runtimeConfigSchema.parse({ liveView: { maxFramesPerSecond: 1 } });
  const view = new LiveView(pictures, liveView, new FaultLog(pino({ level: 'silent' })));
  view.setCamera('dock', { zones: [], lines: {} });
  const writer = (await slots.openSlot(street.length, never))!;
  writer.bytes.set(street);
  const described = { ...inspectImage(street), byteLength: street.length };
  writer.publish({ ...described, sequence: 0, capturedAtMs: Date.now() });
  const frame = (await slots.next(never))!;
  const seen: Uint8Array[] = [];
  try {
    // Nobody looks.
    await view.showPassing('dock', frame, WHOLE_FRAME, slots);
    const stop = view.watch('dock', (jpeg) => seen.push(jpeg));
    await view.showPassing('dock', frame, WHOLE_FRAME, slots);
    expect(seen).toHaveLength(1);
    // As soon after the one before as the limit forbids to what passes.
    const judged = { result: sampleResult({ outcome: 'fail' }) };
    await view.showPassing('dock', frame, WHOLE_FRAME, slots);
    await view.show('dock', frame, WHOLE_FRAME, judged);
    expect(seen).toHaveLength(2);
    expect(Buffer.compare(seen[0]!, seen[1]!)).not.toBe(0);
    await view.showPassing('dock', frame, WHOLE_FRAME, slots);
    expect(seen).toHaveLength(2);
    stop();
  } finally {
    slots.release(frame);
    expect(slots.hasSpareSlot).toBe(true);
    slots.close();
    await pictures.close();
  }
});
