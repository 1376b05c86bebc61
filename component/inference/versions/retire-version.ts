import { VedetteError } from '../../contract/errors.ts';
import type { ModelGeneration } from '../model-generation.ts';

/** Longest wait for what a version that goes has accepted, in milliseconds. */
const DRAIN_MS = 4000;

export interface Retirement {
  readonly drainMs?: number;
  readonly handsBack?: boolean;
}

type OnFault = (fault: VedetteError) => void;

/** Closes a version that has no role any more. That files of it cannot be removed undoes nothing. */
export async function retireVersion(
  generation: ModelGeneration | undefined,
  { drainMs = DRAIN_MS, handsBack = false }: Retirement,
  onFault: OnFault,
): Promise<void> {
  await reported(generation?.close(drainMs, handsBack), onFault);
}

/** A failure of what is done beside the change is told, and undoes nothing. */
export async function reported(work: Promise<unknown> | undefined, onFault: OnFault) {
  try {
    await work;
  } catch (thrown) {
    onFault(VedetteError.from(thrown));
  }
}
