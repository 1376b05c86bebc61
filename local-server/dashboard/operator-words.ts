import type { StatusIndicatorProps } from '@cloudscape-design/components';
import { tensorText } from '../../component/contract/tensor-text.ts';
import type { CameraConditionKind } from '../../component/contract/camera-health.ts';
import type { DropReason } from '../../component/contract/frame.ts';
import type {
  CameraState,
  CameraStatus,
  ModelState,
  ModelStatus,
  Stage,
} from '../../component/contract/ports.ts';
import type {
  Classification,
  InferenceResult,
  Outcome,
  RawTensor,
  Segment,
  TextLine,
} from '../../component/contract/result.ts';

type Indicator = StatusIndicatorProps.Type;

/** What the page says in place of the names in the interfaces. */
const CAMERA_STATES: Readonly<Record<CameraState, readonly [Indicator, string]>> = {
  starting: ['in-progress', 'Starting'],
  running: ['success', 'Running'],
  stalled: ['warning', 'No pictures coming'],
  reconnecting: ['warning', 'Connecting again'],
  ended: ['stopped', 'Finished'],
  failed: ['error', 'Not working'],
  disabled: ['stopped', 'Switched off'],
};

/** A camera whose frames come but are not judged, or show nothing, is not well. */
export function cameraState(
  camera: CameraStatus,
  model: ModelStatus | undefined,
): readonly [Indicator, string] {
  if (camera.state === 'running' && model?.state === 'failed') return ['error', 'Not judged'];
  if (camera.state === 'running' && model !== undefined && model.state !== 'ready') {
    return ['in-progress', 'Waiting for its model'];
  }
  const isUnwell = (camera.health?.conditions.length ?? 0) > 0;
  if (camera.state === 'running' && isUnwell) return ['warning', 'Needs a look'];
  return CAMERA_STATES[camera.state];
}

export const MODEL_STATES: Readonly<Record<ModelState, readonly [Indicator, string]>> = {
  loading: ['in-progress', 'Reading files'],
  probing: ['in-progress', 'Trying out'],
  'warming-up': ['in-progress', 'Warming up'],
  ready: ['success', 'Ready'],
  failed: ['error', 'Not working'],
  closed: ['stopped', 'Closed'],
};

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  pass: 'Pass',
  fail: 'Fail',
  review: 'Review',
  error: 'Error',
};

export const OUTCOMES = Object.keys(OUTCOME_WORDS) as Outcome[];

export const DROP_WORDS: Readonly<Record<DropReason, string>> = {
  overwritten: 'a newer one came first',
  'no-free-slot': 'memory was full',
  unreadable: 'not a readable picture',
  'too-large': 'too large',
  unchanged: 'same picture as before',
  stopped: 'camera was stopped',
  stale: 'too old when its turn came',
  'not-triggered': 'no trigger asked for it',
  late: 'its trigger was answered without it',
};

export const CONDITION_WORDS: Readonly<Record<CameraConditionKind, string>> = {
  frozen: 'Frozen',
  black: 'Black',
  'over-exposed': 'Too bright',
  'under-exposed': 'Too dark',
  'out-of-focus': 'Out of focus',
  moved: 'Moved',
  'wrong-rate': 'Wrong rate',
  'clock-drift': 'Clock is off',
};

export const STAGE_WORDS: Readonly<Record<Exclude<Stage, 'total'>, string>> = {
  queue: 'waiting',
  preprocess: 'preparing',
  run: 'model',
  decode: 'reading result',
  store: 'storing',
};

/** What was found, in a few words. */
export function findingsText(result: InferenceResult): string {
  if (result.error !== undefined) return result.error.message;
  if (result.anomaly !== undefined) {
    const { score, areas, isAnomalous } = result.anomaly;
    const places =
      areas === undefined || areas.length === 0 ? '' : `, ${counted(areas.length, 'area')}`;
    return `${isAnomalous ? 'Defect' : 'No defect'}, score ${score.toFixed(2)}${places}`;
  }
  if (result.detections !== undefined) return countLabels(result.detections);
  if (result.classes !== undefined) {
    return result.classes.length === 0 ? 'Nothing found' : classesText(result.classes.slice(0, 1));
  }
  if (result.poses !== undefined) {
    return result.poses.length === 0 ? 'Nothing found' : counted(result.poses.length, 'pose');
  }
  if (result.segments !== undefined) return segmentsText(result.segments);
  if (result.text !== undefined) return linesText(result.text);
  if (result.embedding !== undefined) return `A vector of ${result.embedding.length} values`;
  if (result.tensors !== undefined) return tensorsText(result.tensors);
  return '';
}

/** Of a model whose outputs nobody interprets. */
function tensorsText(tensors: readonly RawTensor[]): string {
  return tensors.map((one) => `${one.name}: ${tensorText(one)}`).join(', ');
}

/** What was read; of a model that only finds lines, how many there are. */
function linesText(lines: readonly TextLine[]): string {
  if (lines.length === 0) return 'No text';
  const read = lines.flatMap(({ text }) => (text === undefined ? [] : [`“${text}”`]));
  return read.length > 0 ? read.join(' ') : `${counted(lines.length, 'line')} of text`;
}

function segmentsText(segments: readonly Segment[]): string {
  const parts = segments.map(
    ({ label, areaFraction }) => `${label} ${(areaFraction * 100).toFixed(1)} %`,
  );
  return parts.length === 0 ? 'Nothing found' : parts.join(', ');
}

export function classesText(classes: readonly Classification[]): string {
  return classes.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(', ');
}

function countLabels(found: readonly { readonly label: string }[]): string {
  const counts = new Map<string, number>();
  for (const { label } of found) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts].map(([label, count]) => `${count} × ${label}`);
  return parts.length === 0 ? 'Nothing found' : parts.join(', ');
}

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function timeText(time: string | number): string {
  return new Date(time).toLocaleTimeString();
}

/** `3 d 4 h`, `5 h 12 min`, `12 min` or `40 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${whole} s`;
}

export function millisecondsText(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}
