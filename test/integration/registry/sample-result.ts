import { v7 as uuidv7 } from 'uuid';
import type { NewResult } from '../../../component/contract/ports.ts';
import type { InferenceResult, Outcome } from '../../../component/contract/result.ts';

export interface Sample {
  readonly id?: string;
  readonly camera?: string | undefined;
  readonly model?: string;
  readonly outcome?: Outcome;
  readonly labels?: readonly string[];
  readonly capturedAtMs?: number;
  readonly captureId?: string;
  readonly reason?: string;
}

/** A result as a detector on a camera gives it; `camera: undefined` makes it one over HTTP. */
export function sampleResult(sample: Sample = {}): NewResult {
  const camera = 'camera' in sample ? sample.camera : 'walkway';
  const result: InferenceResult = {
    schemaVersion: 1,
    id: sample.id ?? uuidv7(),
    thing: 'station-7',
    ...(camera === undefined ? {} : { camera }),
    model: {
      name: sample.model ?? 'coco-detector',
      version: '1.0.0',
      sha256: 'a'.repeat(64),
      variant: 'fp32',
      executionProvider: 'cpu',
    },
    frame: {
      sequence: 1,
      capturedAt: new Date(sample.capturedAtMs ?? Date.now()).toISOString(),
      width: 768,
      height: 576,
    },
    detections: (sample.labels ?? ['person']).map((label, labelIndex) => ({
      label,
      labelIndex,
      score: 0.73,
      box: { x: 585.2, y: 156.1, width: 34.9, height: 80.3 },
    })),
    verdict: { outcome: sample.outcome ?? 'pass', reason: sample.reason ?? 'nothing to object to' },
    timings: { queueMs: 0.4, preprocessMs: 0.6, runMs: 46.2, decodeMs: 0.1, totalMs: 47.5 },
    ...(sample.captureId === undefined ? {} : { captureId: sample.captureId }),
  };
  return result;
}
