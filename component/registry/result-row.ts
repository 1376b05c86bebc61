import { VedetteError } from '../contract/errors.ts';
import type { NewResult } from '../contract/ports.ts';
import type { InferenceResult, Outcome } from '../contract/result.ts';

/** A result as it is stored: what queries look at, and the rest as JSON. */
export interface ResultRow {
  readonly id: string;
  readonly camera: string | null;
  readonly model: string;
  readonly outcome: Outcome;
  readonly capturedAtMs: number;
  /** Distinct labels of detections, classes and segments. */
  readonly labels: readonly string[];
  /** The capture that was announced with it; whether it exists is in the captures' own table. */
  readonly captureId: string | null;
  /** Without `cameraSequence` and `captureId`: their truth lies in the tables. */
  readonly json: string;
}

export interface StoredResult {
  readonly json: string;
  readonly cameraSequence: number | null;
  /** Only while the capture exists. */
  readonly captureId: string | null;
}

/** @throws VedetteError INTERNAL when `frame.capturedAt` is no time */
export function toResultRow(result: NewResult | InferenceResult): ResultRow {
  const capturedAtMs = Date.parse(result.frame.capturedAt);
  if (!Number.isFinite(capturedAtMs)) {
    throw new VedetteError(
      'INTERNAL',
      `frame.capturedAt of result ${result.id}: expected an ISO 8601 time, got ${JSON.stringify(result.frame.capturedAt)}`,
    );
  }
  const labels = new Set<string>();
  for (const detection of result.detections ?? []) labels.add(detection.label);
  for (const { label } of result.classes ?? []) labels.add(label);
  for (const { label } of result.segments ?? []) labels.add(label);
  return {
    id: result.id,
    camera: result.camera ?? null,
    model: result.model.name,
    outcome: result.verdict.outcome,
    capturedAtMs,
    labels: [...labels],
    captureId: result.captureId ?? null,
    json: JSON.stringify({ ...result, cameraSequence: undefined, captureId: undefined }),
  };
}

export function fromStoredResult(stored: StoredResult): InferenceResult {
  const { schemaVersion, id, thing, camera, ...rest } = JSON.parse(stored.json) as InferenceResult;
  return {
    schemaVersion,
    id,
    thing,
    ...(camera === undefined ? {} : { camera }),
    ...(stored.cameraSequence === null ? {} : { cameraSequence: stored.cameraSequence }),
    ...rest,
    ...(stored.captureId === null ? {} : { captureId: stored.captureId }),
  };
}
