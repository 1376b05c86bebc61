import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../contract/errors.ts';
import type { EdgeRuntime } from '../edge-runtime.ts';

const POLL_MS = 100;

type ModelRuntime = Pick<EdgeRuntime, 'model' | 'changeModel'>;

/**
 * Swaps in a version of a model and waits until it answers.
 * @throws VedetteError as `EdgeRuntime.changeModel`, and why the change failed; SHUTTING_DOWN
 */
export async function swapModel(
  runtime: ModelRuntime,
  model: string,
  wanted: string,
  signal: AbortSignal,
): Promise<void> {
  const request = { kind: 'propose', package: wanted, mode: 'swap', cameras: [] } as const;
  await runtime.changeModel(model, request);
  await changeEnded(runtime, model, signal);
}

/** Waits for the end of a change. @throws VedetteError why it failed; SHUTTING_DOWN */
export async function changeEnded(
  runtime: ModelRuntime,
  model: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { lifecycle } = runtime.model(model);
    if (lifecycle?.change === undefined) {
      const failure = lifecycle?.lastChange?.error;
      if (failure === undefined) return;
      throw new VedetteError(failure.code, failure.message, { details: failure.details ?? {} });
    }
    await pause(POLL_MS, undefined, { signal }).catch(() => {
      throw new VedetteError(
        'SHUTTING_DOWN',
        `the change of model ${model} is no longer waited for`,
      );
    });
  }
}
