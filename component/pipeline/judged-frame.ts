import type { VedetteError } from '../contract/errors.ts';
import type { FrameLease } from '../contract/frame.ts';
import type { AnomalyMap, FrameEnd, FrameReference, NewResult } from '../contract/ports.ts';
import type { FrameSettings } from './frame-settings.ts';
import type { Trail } from './space/scene.ts';

export interface JudgedFrame {
  readonly frame: FrameReference;
  /** Absent for a frame that never had a slot. */
  readonly lease?: FrameLease;
  readonly result: NewResult;
  /** Those that it was judged by. */
  readonly settings: Pick<FrameSettings, 'captureRules' | 'view' | 'config'>;
  readonly end: FrameEnd;
  /** The frame counts for the camera already: by the result of another trigger, or as dropped. */
  readonly isCountedBefore?: boolean;
  /** Why the frame got no answer from its model; its result says so too. */
  readonly error?: VedetteError;
  readonly anomalyMap?: AnomalyMap;
  /** Where followed objects went, for drawing. */
  readonly trails?: readonly Trail[];
}

/**
 * Takes over a judged frame with its lease: stores the result (and the picture, when a rule asks for
 * it), shows it, tells the source, gives the slot back. Never rejects.
 */
export type KeepResult = (judged: JudgedFrame) => Promise<void>;
