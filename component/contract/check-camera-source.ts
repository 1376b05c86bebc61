import type { CameraConfig, CameraSourceOf } from './camera-config.ts';
import { pipelineProblem } from './gstreamer-pipeline.ts';
import { shownAddress } from './shown-address.ts';
import { withoutCredentials } from './without-credentials.ts';

/** `path` is dotted, such as `cameras.dock.policy`. */
export interface CameraProblem {
  readonly path: string;
  readonly message: string;
}

/** Slots lie in one piece of memory, which is no larger than this. */
const MAX_SLOT_BYTES = 8 * 1024 ** 3;
const ADDRESS = /^[a-z][a-z0-9+.-]*:/i;
const PROTOCOLS = ['file:', 'rtsp:', 'rtsps:', 'http:', 'https:'];

/**
 * What no driver opens though each setting by itself is allowed; empty when all is well. Looks at
 * nothing but the settings. Credentials inside an address are not its business.
 */
export function checkCameraSource(name: string, camera: CameraConfig): CameraProblem[] {
  const { source, policy, maxFrameBytes } = camera;
  const problems: CameraProblem[] = [];
  const add = (setting: string, message: string) =>
    problems.push({ path: `cameras.${name}.${setting}`, message });
  if (policy === 'newest' && source.kind === 'folder' && source.mode === 'watch') {
    add('policy', 'a watched folder must not skip a file; expected auto or every, got newest');
  }
  if (policy === 'newest' && source.kind === 'push') {
    add(
      'policy',
      'a pushed picture must not be skipped, its sender waits for the result; expected auto or every, got newest',
    );
  }
  const all = slotsOf(camera);
  if (all * maxFrameBytes > MAX_SLOT_BYTES) {
    add(
      'slots',
      `${all} slots of maxFrameBytes ${maxFrameBytes} take ${all * maxFrameBytes} bytes, at most ${MAX_SLOT_BYTES} may be taken`,
    );
  }
  if (source.kind === 'camera' && camera.pace === 'fast') {
    add(
      'pace',
      `is that of camera ${source.camera}, whose frames it gets; expected source, got fast`,
    );
  }
  if (camera.recording !== undefined && source.kind !== 'ffmpeg') {
    add(
      'recording',
      `only a source of kind ffmpeg has a stream to record, this one is ${source.kind}`,
    );
  }
  if (source.kind === 'ffmpeg') {
    const problem = addressProblem(source);
    if (problem !== undefined) add('source.url', problem);
  }
  if (source.kind === 'gstreamer') {
    const problem = pipelineProblem(source.pipeline);
    if (problem !== undefined) add('source.pipeline', problem);
  }
  if (source.kind === 'genicam') {
    for (const [setting, message] of genicamProblems(source, camera)) add(setting, message);
  }
  if (source.kind === 'test-pattern' && source.width * source.height * 3 > maxFrameBytes) {
    const byteLength = source.width * source.height * 3;
    add(
      'maxFrameBytes',
      `a picture of ${source.width}×${source.height} takes ${byteLength} bytes, at most ${maxFrameBytes} may`,
    );
  }
  if (source.kind === 'http-snapshot' || source.kind === 'http-mjpeg') {
    const { url } = source;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      add('source.url', `must be http(s)://…, got ${shownAddress(url)}`);
    }
  }
  return problems;
}

/** A triggered camera keeps the frame of each open trigger besides those that it works with. */
export const slotsOf = ({ policy, slots, trigger }: CameraConfig): number =>
  policy === 'triggered' ? slots + trigger.maxQueued : slots;

/** No frame may be skipped: each is somebody's, and the source waits. */
export const isAwaited = ({ source }: CameraConfig): boolean =>
  source.kind === 'push' || (source.kind === 'folder' && source.mode === 'watch');

/** Whether each frame of a triggered camera is its own trigger. */
export const isOwnTrigger = (camera: CameraConfig): boolean =>
  camera.trigger.isByFrame || isAwaited(camera);

/** Whether a part is before the camera at each of its frames: it takes them at its own trigger input. */
export const hasTriggerInput = ({ source }: CameraConfig): boolean =>
  source.kind === 'genicam' && source.trigger !== undefined;

/** Whether each picture is of a part that is owed a verdict, though the picture may be lost on its way. */
export const owesVerdicts = (camera: CameraConfig): boolean =>
  hasTriggerInput(camera) && (camera.policy !== 'triggered' || isOwnTrigger(camera));

/** Setting and message of what contradicts itself. */
function genicamProblems(
  source: CameraSourceOf<'genicam'>,
  { health }: CameraConfig,
): readonly (readonly [string, string])[] {
  const { trigger, framesPerSecond, exposureUs, exposureAuto, gainDb, gainAuto } = source;
  const ofTrigger = 'is that of a camera that runs freely; with source.trigger its line sets it';
  const isEither = (value: string) => `expected either this or source.${value}, got both`;
  return [
    ...(trigger?.source === 'Software'
      ? ([
          [
            'source.trigger.source',
            'Software is a trigger that a program gives to the camera, which Vedette does not; expected an input such as Line0',
          ],
        ] as const)
      : []),
    ...(trigger !== undefined && framesPerSecond !== undefined
      ? ([['source.framesPerSecond', ofTrigger]] as const)
      : []),
    ...(trigger !== undefined && health.framesPerSecond !== undefined
      ? ([['health.framesPerSecond', ofTrigger]] as const)
      : []),
    ...(exposureUs !== undefined && exposureAuto !== undefined
      ? ([['source.exposureAuto', isEither('exposureUs')]] as const)
      : []),
    ...(gainDb !== undefined && gainAuto !== undefined
      ? ([['source.gainAuto', isEither('gainDb')]] as const)
      : []),
  ];
}

function addressProblem({ url }: CameraSourceOf<'ffmpeg'>): string | undefined {
  if (!ADDRESS.test(url)) return undefined;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !PROTOCOLS.includes(parsed.protocol)) {
    return `must be a file path, /dev/video…, rtsp(s)://… or http(s)://…, got ${withoutCredentials(url)}`;
  }
  const encoded = [
    parsed.username,
    parsed.password,
    ...(parsed.protocol === 'file:' ? [parsed.pathname] : []),
  ];
  return encoded.every(isDecodable)
    ? undefined
    : `holds a % that begins no code such as %20; write %25 for the sign itself, got ${withoutCredentials(url)}`;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
