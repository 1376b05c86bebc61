import type { CameraStatus } from '../../component/contract/ports.ts';
import type { BenchContext } from './section.ts';
import { makeClip } from './stream-clip.ts';
import { sample, startVedette } from './vedette-process.ts';

const CAMERAS = 8;
const RATE = 10;
const SECONDS = 20;
const CLIP = { width: 1280, height: 720, framesPerSecond: RATE, bitsPerSecond: 2_000_000 };
const MODEL = 'coco-detector';

export interface LoadedCamera {
  readonly name: string;
  readonly sent: number;
  readonly delivered: number;
  readonly judged: number;
  readonly dropped: CameraStatus['framesDropped'];
}

/**
 * Eight recordings of 720p at 10 frames a second, played once at their own pace, so that the number
 * of frames that each source sent is known, all judged by one model in a real `vedette run`.
 */
export async function measureCameraLoad(context: BenchContext): Promise<readonly LoadedCamera[]> {
  const { root, folder, progress } = context;
  progress(`${CAMERAS} streams of 720p`);
  const url = await makeClip(root, folder, { ...CLIP, seconds: SECONDS });
  const names = Array.from({ length: CAMERAS }, (_, index) => `line-${index + 1}`);
  const source = { kind: 'ffmpeg', url, shouldLoop: false } as const;
  const server = await startVedette(context, `${CAMERAS} cameras`, {
    models: { [MODEL]: { package: sample(root, `models/${MODEL}`) } },
    cameras: Object.fromEntries(names.map((name) => [name, { model: MODEL, source }])),
  });
  try {
    let cameras: readonly CameraStatus[] = [];
    await server.until(async () => {
      ({ items: cameras } = await server.getJson<{ items: CameraStatus[] }>('/api/v1/cameras'));
      return cameras.every((camera) => camera.state === 'ended' && isSettled(camera));
    }, 200);
    return cameras.map(({ name, framesDelivered, framesJudged, framesDropped }) => ({
      ...{ name, sent: RATE * SECONDS, delivered: framesDelivered, judged: framesJudged },
      dropped: framesDropped,
    }));
  } finally {
    await server.close();
  }
}

/** Whether nothing lies in a slot or in the model any more, so that the counts are final. */
const isSettled = ({ framesDelivered, framesJudged, framesDropped }: CameraStatus) =>
  framesJudged + droppedFrames(framesDropped) >= framesDelivered;

export const droppedFrames = (dropped: CameraStatus['framesDropped']): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0);

/** Frames that were sent and are neither judged nor dropped by a reason, or counted twice. */
export const unaccounted = ({ sent, judged, dropped }: LoadedCamera): number =>
  Math.abs(sent - judged - droppedFrames(dropped));
