import { hasRtspServer } from '../support/rtsp-server.ts';
import { measureCameraCosts, type CameraCosts, type StreamCost } from './camera-cost.ts';
import { droppedFrames, measureCameraLoad, unaccounted, type LoadedCamera } from './camera-load.ts';
import { measureCameraReturns } from './camera-return.ts';
import type { Comparison } from './measure-interleaved.ts';
import { digits, ms, ratio, span } from './number-text.ts';
import { atMost } from './reach.ts';
import type { MeasuredTarget, Section, Table, Target } from './section.ts';
import { median, range } from './statistics.ts';

const MOST_COST = 1.45;
const MOST_COST_SCALED = 1.15;
const STREAM = 'RTSP H.264 1080p at 30 fps to 640×640 tensors';
const BESIDE = 'beside ffmpeg decoding it to nowhere, CPU';
const LONGEST_RETURN_MS = 2000;
const NO_SERVER = 'the RTSP server of the tests is not installed here (`npm test` installs it).';
const METHOD =
  'The cost: H.264 of 1920×1080 with sensor noise, BT.709, 6 Mbit/s, from a real RTSP server over TCP. Ours is camera driver, ffmpeg, slots and resizer in a process of their own that makes a letterboxed float32 tensor of each frame; no model, database or page. Beside it `ffmpeg -f null` with its default threads, in turns, each with a connection of its own. CPU is that of all threads of the process and of its ffmpeg, without their start. Eight cameras: recordings of 1280×720 played once at their own pace, so that what each sent is known, all for one detector in a real `vedette run`. Coming back: the RTSP server is killed and started again on the same port after 0.2 to 8 s; the time is from when it listens again to the first frame in a slot, and the detector judges meanwhile.';

export const camerasSection: Section = {
  name: 'cameras',
  title: 'Cameras: a stream’s cost, eight at once, and coming back',
  run: async (context) => {
    const hasServer = hasRtspServer();
    const costs = hasServer ? await measureCameraCosts(context) : undefined;
    const cameras = await measureCameraLoad(context);
    const returnsMs = hasServer ? await measureCameraReturns(context) : undefined;
    return {
      method: METHOD,
      tables: [
        ...(costs === undefined ? [] : [costTable(costs)]),
        loadTable(cameras),
        ...(returnsMs === undefined ? [] : [returnTable(returnsMs)]),
      ],
      targets: [...costTargets(costs), unaccountedTarget(cameras), returnTarget(returnsMs)],
    };
  },
};

function costTargets(costs: CameraCosts | undefined): readonly Target[] {
  const whole = `${STREAM} ${BESIDE}`;
  const scaled = `${STREAM}, \`scaling: model\`, ${BESIDE}`;
  if (costs === undefined) {
    return [
      { what: whole, reach: `≤ ${MOST_COST}×`, notMeasured: NO_SERVER },
      { what: scaled, reach: `≤ ${MOST_COST_SCALED}×`, notMeasured: NO_SERVER },
    ];
  }
  return [
    atMost(
      whole,
      MOST_COST,
      comparison(costs.ours, costs.decoding),
      'What comes to the decoding is 3 MB a frame, which ffmpeg copies twice on its way out and this process once into a slot and resizes (a quarter of a millisecond while the frame is in the caches, half of one as it comes from another process), and the times of an RTSP stream, for which ffmpeg writes the encoded stream out as well: reading those takes this process two to three tenths of a millisecond a frame. Tried and kept: colours as the stream has them, which the resizer converts in its pass, in place of a conversion by ffmpeg (a tenth of the whole); YUV4MPEG2 in place of raw video, which ffmpeg copies once less (four tenths of a millisecond a frame); sockets in place of a pipe, and a reader that lets pieces gather for 0.1 ms (together half a millisecond, less where the system holds the buffer to 208 KiB). Tried in vain: one packet in eight of the encoded stream, ten fragments of it a second in place of one for each frame, and writing it out only when ffmpeg’s buffer is full, each of which saves less than a tenth of a millisecond; huge pages for the slots; one decoder thread in place of two; writes past ffmpeg’s buffer (`-avioflags direct`). ffmpeg’s `file` protocol, which writes larger pieces, does so to files alone.',
    ),
    atMost(
      scaled,
      MOST_COST_SCALED,
      comparison(costs.scaled, costs.decoding),
      'What comes to the decoding is ffmpeg’s scaler, six to eight tenths of a millisecond a frame, the resizer, which writes 4.9 MB of tensor, with half of one, and the times of the stream as without scaling: scaler and resizer alone come to 1.2 times the decoding. Tried: `fast_bilinear` and one filter thread for the scaler, which change nothing that can be told from the waver. The copy of the encoded stream, cut to one packet in eight, saves less than a tenth of a millisecond. Not done: learning the times without it.',
    ),
  ];
}

function comparison(ours: StreamCost, decoding: StreamCost): Comparison {
  const byRound = ours.cpuMs.map((value, round) => value / decoding.cpuMs[round]!);
  return { ratio: median(ours.cpuMs) / median(decoding.cpuMs), ...range(byRound) };
}

function costTable(costs: CameraCosts): Table {
  const rows = [
    ['ours, to 640×640 tensors', costs.ours],
    ['ours with `scaling: model`', costs.scaled],
    ['ffmpeg, to nowhere', costs.decoding],
  ] as const;
  const alone = costs.decoding;
  const [added, addedScaled] = [costs.ours, costs.scaled].map(
    ({ cpuMs }) => median(cpuMs) - median(alone.cpuMs),
  ) as [number, number];
  return {
    columns: ['1080p at 30 fps over RTSP', 'CPU a frame, ms', 'by round', 'frames/s'],
    rows: rows.map(([what, { cpuMs, framesPerSecond }]) => {
      const { lowest, highest } = range(cpuMs);
      return [what, digits(median(cpuMs)), span(lowest, highest), digits(median(framesPerSecond))];
    }),
    says: `A frame costs ${ms(added)} more than its decoding, ${ratio(comparison(costs.ours, alone).ratio)} the CPU; scaled in ffmpeg ${ms(addedScaled)} more, ${ratio(comparison(costs.scaled, alone).ratio)}.`,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function loadTable(cameras: readonly LoadedCamera[]): Table {
  const sent = sum(cameras.map((camera) => camera.sent));
  const dropped = sum(cameras.map((camera) => droppedFrames(camera.dropped)));
  return {
    columns: ['camera', 'sent', 'delivered', 'judged', 'dropped, by reason', 'unaccounted for'],
    rows: cameras.map((camera) => [
      camera.name,
      ...[camera.sent, camera.delivered, camera.judged].map(String),
      Object.entries(camera.dropped)
        .map(([reason, count]) => `${count} ${reason}`)
        .join(', '),
      String(unaccounted(camera)),
    ]),
    says: `Of ${sent} frames ${sum(cameras.map(({ judged }) => judged))} were judged and ${dropped} dropped with a reason.`,
  };
}

function returnTable(returnsMs: readonly number[]): Table {
  const { lowest, highest } = range(returnsMs);
  return {
    columns: ['returns of a stream', 'median, ms', 'shortest, ms', 'longest, ms'],
    rows: [[String(returnsMs.length), ...[median(returnsMs), lowest, highest].map(digits)]],
    says: `The slowest of ${returnsMs.length} returns took ${ms(highest)} to the first frame.`,
  };
}

function unaccountedTarget(cameras: readonly LoadedCamera[]): MeasuredTarget {
  const frames = sum(cameras.map(unaccounted));
  return {
    what: `frames unaccounted for, of ${cameras.length} cameras of 720p at 10 fps`,
    reach: '0',
    got: String(frames),
    isReached: frames === 0,
    missedBy: `${frames} frames`,
  };
}

function returnTarget(returnsMs: readonly number[] | undefined): Target {
  const what = 'an RTSP stream comes back to the first frame, the slowest';
  const reach = `≤ ${LONGEST_RETURN_MS} ms`;
  if (returnsMs === undefined) return { what, reach, notMeasured: NO_SERVER };
  const { lowest, highest } = range(returnsMs);
  return {
    ...{ what, reach, got: ms(highest), byRound: `${span(lowest, highest)} ms` },
    isReached: highest <= LONGEST_RETURN_MS,
    missedBy: ms(highest - LONGEST_RETURN_MS),
  };
}
