import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CameraStatus } from '../../component/contract/ports.ts';
import { STREAM_CAMERAS, type SoakScene } from './soak-scene.ts';

const SAMPLE_MS = 500;

export interface CameraSample {
  readonly state: string;
  readonly reason?: string;
  readonly delivered: number;
  readonly judged: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** How it stood at one moment. */
export interface Sample {
  readonly atMs: number;
  /** Of the runtime's lives, from 0. */
  readonly life: number;
  readonly cameras: Readonly<Record<string, CameraSample>>;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly children: number;
}

/** Looks at the runtime twice a second until it is told to stop; a runtime that is away gives no sample. */
export async function watch(scene: SoakScene, samples: Sample[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const sample = await take(scene);
    if (sample) samples.push(sample);
    await pause(SAMPLE_MS, undefined, { signal: stop }).catch(() => {});
  }
}

async function take(scene: SoakScene): Promise<Sample | undefined> {
  const { runtime } = scene;
  const life = scene.lives.length - 1;
  if (!runtime?.isAlive) return undefined;
  try {
    const { items } = await runtime.get<{ items: CameraStatus[] }>('/api/v1/cameras');
    const named = items.map((camera) => [camera.name, sampleOf(camera)] as const);
    return {
      atMs: Date.now(),
      life,
      cameras: Object.fromEntries(named),
      residentBytes: runtime.residentBytes,
      descriptors: readdirSync(`/proc/${runtime.pid}/fd`).length,
      children: runtime.children().length,
    };
  } catch {
    // It is killed at this moment; its lives say so.
    return undefined;
  }
}

const sampleOf = (camera: CameraStatus): CameraSample => ({
  state: camera.state,
  ...(camera.reason ? { reason: camera.reason.message } : {}),
  delivered: camera.framesDelivered,
  judged: camera.framesJudged,
  dropped: camera.framesDropped,
});

/** A time in which a camera gave no frame. */
export interface Gap {
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** States that were shown meanwhile. */
  readonly states: readonly string[];
  /** Reasons that were shown meanwhile. */
  readonly reasons: readonly string[];
}

/** A camera that was opened anew counts from 0, as a process does. */
export function hasNewFrame(camera: string, before: Sample, now: Sample): boolean {
  const had = before.cameras[camera]?.delivered ?? 0;
  const has = now.cameras[camera]?.delivered ?? 0;
  return has > (now.life !== before.life || has < had ? 0 : had);
}

/** Every time of more than `longestMs` without a new frame, seen from outside. */
export function gapsOf(samples: readonly Sample[], longestMs: number): Gap[] {
  return STREAM_CAMERAS.flatMap((camera) => {
    const gaps: Gap[] = [];
    let last = samples[0];
    let states = new Set<string>();
    let reasons = new Set<string>();
    for (const sample of samples) {
      const now = sample.cameras[camera];
      if (!now || !last) continue;
      const isNew = hasNewFrame(camera, last, sample);
      states.add(now.state);
      if (now.reason !== undefined) reasons.add(now.reason);
      if (!isNew) continue;
      if (sample.atMs - last.atMs > longestMs) {
        gaps.push({
          ...{ camera, fromMs: last.atMs, toMs: sample.atMs },
          ...{ states: [...states], reasons: [...reasons] },
        });
      }
      last = sample;
      states = new Set();
      reasons = new Set();
    }
    const end = samples.at(-1);
    if (end && last && end.atMs - last.atMs > longestMs) {
      gaps.push({
        ...{ camera, fromMs: last.atMs, toMs: end.atMs },
        ...{ states: [...states], reasons: [...reasons] },
      });
    }
    return gaps;
  });
}
