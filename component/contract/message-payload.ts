import type { PayloadProfile } from './delivery-config.ts';
import type { Delivered } from './delivery.ts';
import type { Detection, InferenceResult } from './result.ts';

/** More parts than this are too many for a receiver to keep; the next smaller profile is taken. */
const MAX_PARTS = 32;
const MAX_TEXT = 500;
const MAX_COUNTED_LABELS = 50;
/** Of counts by label as JSON. */
const MAX_COUNTS_BYTES = 2000;

/**
 * The payloads of a message: one, or numbered parts when it does not fit into `maxBytes`. A result
 * that would need too many parts is sent in the next smaller profile.
 * @param whole JSON of the message as the ledger has it
 * @param maxBytes at least 1024
 */
export function composePayloads(
  whole: string,
  profile: PayloadProfile,
  maxBytes: number,
): string[] {
  if (profile === 'full' && Buffer.byteLength(whole) <= maxBytes) return [whole];
  const delivered = JSON.parse(whole) as Delivered;
  const profiles: readonly PayloadProfile[] = ['full', 'compact', 'summary'];
  for (const one of profiles.slice(profiles.indexOf(profile))) {
    const text = JSON.stringify(inProfile(delivered, one));
    if (Buffer.byteLength(text) <= maxBytes) return [text];
    const parts = split(delivered, text, maxBytes);
    if (parts.length <= MAX_PARTS || one === 'summary') return parts;
  }
  return [];
}

function inProfile(delivered: Delivered, profile: PayloadProfile): object {
  if (delivered.kind !== 'result' || profile === 'full') return delivered;
  const reduce = profile === 'compact' ? compact : summary;
  return { ...delivered, profile, result: reduce(delivered.result) };
}

/** Without outlines, vectors, tensors and what steps of a chain took. */
function compact(result: InferenceResult): object {
  const { embedding: _e, tensors: _t, steps: _s, ...rest } = result;
  return {
    ...rest,
    ...(result.detections ? { detections: result.detections.map(compactDetection) } : {}),
    ...(result.anomaly ? { anomaly: { ...result.anomaly, areas: undefined } } : {}),
    ...(result.segments
      ? { segments: result.segments.map((segment) => ({ ...segment, polygons: undefined })) }
      : {}),
    ...(result.text ? { text: result.text.map(({ text, score }) => ({ text, score })) } : {}),
  };
}

function compactDetection({ label, score, box, trackId }: Detection): object {
  const { x, y, width, height } = box;
  return {
    label,
    score: round(score, 1000),
    box: { x: round(x, 10), y: round(y, 10), width: round(width, 10), height: round(height, 10) },
    trackId,
  };
}

/** The verdict and how many of what. */
function summary(result: InferenceResult): object {
  const { id, camera, cameraSequence, context, product, model, frame, verdict, captureId } = result;
  const counts: Record<string, number> = {};
  for (const { label } of result.detections ?? []) counts[label] = (counts[label] ?? 0) + 1;
  const [best] = result.classes ?? [];
  const isSmall = (value: unknown): boolean =>
    encodedBytes(JSON.stringify(value ?? null)) <= 2 * MAX_TEXT;
  return {
    id,
    camera,
    cameraSequence,
    context: isSmall(context) ? context : undefined,
    product: isSmall(product) ? product : undefined,
    model: { name: model.name, version: model.version },
    frame: {
      sequence: frame.sequence,
      capturedAt: frame.capturedAt,
      captureClock: frame.captureClock,
    },
    counts: result.detections ? shortened(counts) : undefined,
    class: best && { label: cut(best.label), score: round(best.score, 1000) },
    anomalyScore: result.anomaly && round(result.anomaly.score, 1000),
    captureId,
    verdict: { ...verdict, reason: cut(verdict.reason) },
  };
}

/** As many as have room, in their order. */
function shortened(counts: Readonly<Record<string, number>>): Record<string, number> {
  let room = MAX_COUNTS_BYTES;
  const entries = Object.entries(counts).filter(([label, count], index) => {
    room -= encodedBytes(label) + String(count).length + 4;
    return index < MAX_COUNTED_LABELS && room >= 0;
  });
  return Object.fromEntries(entries);
}

/** Characters of JSON take up to six bytes. */
function cut(text: string): string {
  let end = Math.min(text.length, MAX_TEXT);
  while (encodedBytes(text.slice(0, end)) > 2 * MAX_TEXT) end = Math.floor(end * 0.9);
  return text.slice(0, end);
}

const round = (value: number, by: number): number => Math.round(value * by) / by;

/** The texts of the parts, put together again in order, are `text`. */
function split(delivered: Delivered, text: string, maxBytes: number): string[] {
  const { schemaVersion, thing, camera, sequence, id } = delivered;
  const head = { schemaVersion, thing, camera, sequence, id, kind: 'part' };
  const room =
    maxBytes -
    Buffer.byteLength(JSON.stringify({ ...head, part: 99_999, parts: 99_999, text: '' }));
  const slices: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = at + Math.max(1, room);
    // A text in a text needs more: quotes are escaped, letters may take several bytes.
    while (end > at + 1 && encodedBytes(text.slice(at, end)) > room) {
      end = at + Math.max(1, Math.floor((end - at) * 0.9));
    }
    // Half of a pair of surrogates is no letter.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) && end > at + 1) end -= 1;
    slices.push(text.slice(at, end));
    at = end;
  }
  return slices.map((slice, index) =>
    JSON.stringify({ ...head, part: index + 1, parts: slices.length, text: slice }),
  );
}

const encodedBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;
