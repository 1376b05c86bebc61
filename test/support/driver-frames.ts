import { createDriver } from '../../component/camera/create-driver.ts';
import { FrameSlots } from '../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../component/contract/camera-config.ts';
import { FrameRing } from '../../native/index.ts';

/** The driver of a source without secrets. */
export const driverOf = (source: Record<string, unknown>) =>
  createDriver({
    name: 'gate',
    camera: cameraSchema.parse({ source, model: 'coco-detector' }),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

/** The second frame of a source, with a copy of its bytes. */
export async function secondFrame(source: Record<string, unknown>) {
  const slots = new FrameSlots({ slots: 4, slotBytes: 2_000_000, policy: 'newest' });
  const stop = new AbortController();
  const run = driverOf(source).run(slots, stop.signal);
  try {
    const next = () => Promise.race([slots.next(AbortSignal.timeout(15_000)), run]);
    slots.release((await next())!);
    const lease = (await next())!;
    const all = FrameRing.attach(slots.ringId).bytes(lease.slot);
    const bytes = Uint8Array.from(all.subarray(0, lease.byteLength));
    slots.release(lease);
    return { ...lease, bytes };
  } finally {
    stop.abort();
    await run.catch(() => {});
    slots.close();
  }
}
