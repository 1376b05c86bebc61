import type { Size } from '../../contract/frame.ts';
import type { ModelOutput } from '../../contract/model-output.ts';

/** What exporters write into an ONNX file's metadata about the model's use. */
export interface ModelMetadata {
  /** Class names by index (Ultralytics `names`, Model API `model_info labels`). */
  readonly labels?: readonly string[];
  /** Ultralytics' task, such as `detect` or `segment`. */
  readonly task?: string;
  /** Input size that the model was exported for (Ultralytics `imgsz`: height, width). */
  readonly inputSize?: Size;
  /** Input sides must be multiples of it (Ultralytics `stride`). */
  readonly stride?: number;
  /** Names of the keypoints of a pose (Ultralytics `kpt_names`). */
  readonly keypointNames?: readonly string[];
  /** x and y, or x, y and score (Ultralytics `kpt_shape`). */
  readonly keypointDimensions?: 2 | 3;
  /** What Ultralytics' `description` calls the model. */
  readonly architecture?: 'yolo' | 'rt-detr';
  /** Whether the graph ends in rows that need no suppression (Ultralytics `end2end`, `args` `nms`). */
  readonly isEndToEnd?: boolean;
  /** How anomaly scores and maps become 0–1 (OpenVINO Model API, anomalib 1's metadata.json). */
  readonly normalisation?: AnomalyNormalisation;
}

/** The fields of `output.normalisation` in a manifest. */
export type AnomalyNormalisation = NonNullable<
  Extract<ModelOutput, { decoder: 'anomaly' }>['normalisation']
>;

/** Whether the file comes from Ultralytics' exporter, whose preprocessing is known. */
export const isUltralytics = ({ task, stride }: ModelMetadata): boolean =>
  stride !== undefined && task !== undefined && ULTRALYTICS_TASKS.has(task);

const ULTRALYTICS_TASKS = new Set(['detect', 'segment', 'classify', 'pose', 'obb']);

/**
 * Sources: Ultralytics' exporter writes Python literals under `names`, `task`, `imgsz`, `stride`,
 * for poses `kpt_shape`, `kpt_names`, and `end2end`, `args`, and `description` («Ultralytics YOLOv10n
 * model trained on coco.yaml»). OpenVINO Model API writes `model_info labels` (blanks between labels,
 * underscores inside them), for anomalies `model_info image_threshold`, `pixel_threshold`,
 * `normalization_scale`.
 * What cannot be understood is left out: metadata is a hint, the graph and model.json decide.
 */
export function readModelMetadata(metadata: Readonly<Record<string, string>>): ModelMetadata {
  const names = pythonLiteral(metadata['names']);
  const labels = labelList(names) ?? modelApiLabels(metadata['model_info labels']);
  const imgsz = pythonLiteral(metadata['imgsz']);
  const inputSize = sizeOf(imgsz);
  const stride = Number(metadata['stride']);
  const keypointNames = keypointNamesOf(pythonLiteral(metadata['kpt_names']));
  const keypointShape = pythonLiteral(metadata['kpt_shape']);
  const normalisation = normalisationOf(metadata);
  const args = pythonLiteral(metadata['args']);
  const isEndToEnd =
    pythonLiteral(metadata['end2end']) === true ||
    (args instanceof Map && args.get('nms') === true);
  const dimensions: unknown = Array.isArray(keypointShape) ? keypointShape[1] : undefined;
  const architecture = architectureOf(metadata['description']);
  return {
    ...(labels ? { labels } : {}),
    ...(metadata['task'] ? { task: metadata['task'] } : {}),
    ...(inputSize ? { inputSize } : {}),
    ...(Number.isInteger(stride) && stride > 0 ? { stride } : {}),
    ...(keypointNames ? { keypointNames } : {}),
    ...(dimensions === 2 || dimensions === 3 ? { keypointDimensions: dimensions } : {}),
    ...(architecture ? { architecture } : {}),
    ...(isEndToEnd ? { isEndToEnd } : {}),
    ...(normalisation ? { normalisation } : {}),
  };
}

/** By the model's name alone: what it was trained on may be called after another one. */
function architectureOf(description: string | undefined): 'yolo' | 'rt-detr' | undefined {
  const name = /^Ultralytics (.*?) model\b/.exec(description ?? '')?.[1] ?? '';
  if (/rt-?detr/i.test(name)) return 'rt-detr';
  return /yolo/i.test(name) ? 'yolo' : undefined;
}

/** `model_info …` of Model API, or the names of anomalib's metadata.json as they are. */
function normalisationOf(
  metadata: Readonly<Record<string, string>>,
): AnomalyNormalisation | undefined {
  const number = (...names: string[]): number | undefined => {
    const name = names.flatMap((one) => [`model_info ${one}`, one]).find((one) => one in metadata);
    const text = name === undefined ? '' : metadata[name]!.trim();
    return text === '' || !Number.isFinite(Number(text)) ? undefined : Number(text);
  };
  const range = (part: string): number | undefined => {
    const least = number(`${part}.min`, 'min');
    const most = number(`${part}.max`, 'max');
    return least === undefined || most === undefined ? undefined : most - least;
  };
  const imageThreshold = number('image_threshold');
  const pixelThreshold = number('pixel_threshold') ?? imageThreshold;
  const imageScale = number('normalization_scale') ?? range('pred_scores');
  const pixelScale = number('normalization_scale') ?? range('anomaly_maps') ?? imageScale;
  if (imageThreshold === undefined || pixelThreshold === undefined) return undefined;
  if (imageScale === undefined || pixelScale === undefined) return undefined;
  if (imageScale <= 0 || pixelScale <= 0) return undefined;
  return { imageThreshold, imageScale, pixelThreshold, pixelScale };
}

function labelList(names: unknown): string[] | undefined {
  if (Array.isArray(names)) return names.length > 0 ? names.map(String) : undefined;
  if (!(names instanceof Map) || names.size === 0) return undefined;
  const labels: string[] = [];
  for (let index = 0; index < names.size; index += 1) {
    const label: unknown = names.get(index);
    if (typeof label !== 'string' && typeof label !== 'number') return undefined;
    labels.push(String(label));
  }
  return labels;
}

/** Names by class index: `{0: ['nose', …]}`; classes of a model share their number of keypoints. */
function keypointNamesOf(value: unknown): string[] | undefined {
  const names: unknown = value instanceof Map ? value.get(0) : value;
  const isList = Array.isArray(names) && names.length > 0;
  return isList && names.every((name) => typeof name === 'string') ? names : undefined;
}

function modelApiLabels(text: string | undefined): string[] | undefined {
  const labels = text?.split(/\s+/).filter((label) => label !== '');
  return labels && labels.length > 0 ? labels : undefined;
}

function sizeOf(imgsz: unknown): Size | undefined {
  const sides = Array.isArray(imgsz) ? imgsz : [imgsz, imgsz];
  const [height, width] = sides as unknown[];
  return isSide(height) && isSide(width) ? { width, height } : undefined;
}

const isSide = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 16_384;

const TOKEN =
  /\s*(?:([[\]{}(),:])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|(True|False|None))/y;

/** A Python literal of dicts (as Map), lists, tuples, strings and numbers; `undefined` if it is none. */
export function pythonLiteral(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const tokens: { mark?: string; value?: unknown }[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (!match) return undefined;
    const [, mark, single, double, number, word] = match;
    if (mark !== undefined) tokens.push({ mark });
    else if (number !== undefined) tokens.push({ value: Number(number) });
    else if (word !== undefined) tokens.push({ value: word === 'None' ? null : word === 'True' });
    else tokens.push({ value: (single ?? double ?? '').replaceAll(/\\(.)/g, '$1') });
  }
  let at = 0;
  const parse = (depth: number): unknown => {
    const token = tokens[at];
    at += 1;
    if (!token || depth > 16) throw new SyntaxError();
    if (token.mark === undefined) return token.value;
    if (token.mark === '[' || token.mark === '(') {
      const items: unknown[] = [];
      const close = token.mark === '[' ? ']' : ')';
      while (tokens[at]?.mark !== close) {
        items.push(parse(depth + 1));
        if (tokens[at]?.mark === ',') at += 1;
        else if (tokens[at]?.mark !== close) throw new SyntaxError();
      }
      at += 1;
      return items;
    }
    if (token.mark !== '{') throw new SyntaxError();
    const entries = new Map<unknown, unknown>();
    while (tokens[at]?.mark !== '}') {
      const key = parse(depth + 1);
      if (tokens[at]?.mark !== ':') throw new SyntaxError();
      at += 1;
      entries.set(key, parse(depth + 1));
      if (tokens[at]?.mark === ',') at += 1;
      else if (tokens[at]?.mark !== '}') throw new SyntaxError();
    }
    at += 1;
    return entries;
  };
  try {
    const value = parse(0);
    return at === tokens.length ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
