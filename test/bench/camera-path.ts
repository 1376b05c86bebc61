import { createInterface } from 'node:readline';
import { CameraSupervisor } from '../../component/camera/camera-supervisor.ts';
import { createDriver } from '../../component/camera/create-driver.ts';
import { FrameSlots } from '../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../component/contract/camera-config.ts';
import { WHOLE_FRAME, type RawPixelFormat } from '../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../component/contract/tensor.ts';
import { scaledSize } from '../../component/inference/picture-scaling.ts';
import { FrameRing, rawImageOf, rawToTensor } from '../../native/index.ts';

/**
 * A camera's path as far as the tensor, in a process of its own: `camera-path.ts ADDRESS SCALING`, the
 * latter as in the configuration of a source. Each line on stdin is answered with the number of tensors so far; the end of stdin ends it.
 */
const SPEC: TensorSpec = {
  width: 640,
  height: 640,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};

const name = 'measured';
const [url, scaling] = process.argv.slice(2);
const camera = cameraSchema.parse({ model: 'none', source: { kind: 'ffmpeg', url, scaling } });
const driver = createDriver({
  ...{ name, camera, ffmpegPath: 'ffmpeg' },
  readSecret: () => Promise.reject(new Error('no secret is configured')),
  scaledSize: (source) => scaledSize(source, [{ view: WHOLE_FRAME, spec: SPEC }]),
});
const { slots: count, maxFrameBytes: slotBytes } = camera;
const slots = new FrameSlots({ slots: count, slotBytes, policy: 'newest' });
const supervisor = new CameraSupervisor({ name, driver, slots });
const stop = new AbortController();
const tensor = new Float32Array(tensorElements(SPEC));
let tensors = 0;

createInterface({ input: process.stdin })
  .on('line', () => process.stdout.write(`${tensors}\n`))
  .once('close', () => stop.abort());
supervisor.start();
const ring = FrameRing.attach(slots.ringId);
for (;;) {
  const frame = await slots.next(stop.signal);
  if (frame === undefined) break;
  const pixels = ring.bytes(frame.slot).subarray(0, frame.byteLength);
  rawToTensor(rawImageOf(frame, frame.format as RawPixelFormat, pixels), WHOLE_FRAME, SPEC, tensor);
  slots.release(frame);
  tensors += 1;
}
await supervisor.close();
slots.close();
