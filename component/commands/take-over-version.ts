import { setTimeout as pause } from 'node:timers/promises';
import { changeEnded } from '../control/swap-model.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ModelChangeRequest } from '../contract/model-lifecycle.ts';
import { parseModelReference, type ModelReference } from '../contract/model-manifest.ts';
import type { LocalEdgeRuntime } from '../local-edge-runtime.ts';

const POLL_MS = 200;
/** A model that starts, or a change that somebody asked for, ends within this, in milliseconds. */
const OTHER_CHANGE_MS = 300_000;

/**
 * Has every model that runs another version of the same package go over to this one, which is installed:
 * it is loaded beside the version that answers, tried with its golden pictures, and takes its place between
 * two frames. What waits for it is waited for.
 * @throws VedetteError why the first of them did not: what ran goes on
 */
export async function takeOverVersion(
  runtime: LocalEdgeRuntime,
  reference: ModelReference,
  signal: AbortSignal,
): Promise<void> {
  const wanted = `${reference.name}@${reference.version}`;
  for (const [name, { package: configured }] of Object.entries(runtime.config.models)) {
    const { lifecycle } = runtime.model(name);
    const packages = [configured, lifecycle?.active.package ?? ''];
    const isUser = packages.some((one) => parseModelReference(one)?.name === reference.name);
    if (!isUser) continue;
    if (lifecycle?.active.package !== wanted) await goOver(runtime, name, wanted, signal);
    await ready(runtime, name, wanted, signal);
  }
}

async function goOver(
  runtime: LocalEdgeRuntime,
  model: string,
  wanted: string,
  signal: AbortSignal,
): Promise<void> {
  const { lifecycle } = runtime.model(model);
  // What ran before may still be loaded.
  const isBefore = lifecycle?.previous?.package === wanted && lifecycle.candidate === undefined;
  const request: ModelChangeRequest = isBefore
    ? { kind: 'rollback' }
    : { kind: 'propose', package: wanted, mode: 'swap', cameras: [] };
  for (const deadline = performance.now() + OTHER_CHANGE_MS; ;) {
    try {
      await runtime.changeModel(model, request, 'component');
      break;
    } catch (thrown) {
      const { code } = VedetteError.from(thrown);
      if (code !== 'MODEL_CHANGE_RUNNING' || performance.now() > deadline) throw thrown;
      await waited(signal);
    }
  }
  await changeEnded(runtime, model, signal);
}

/** It answers, or why it does not. */
async function ready(
  runtime: LocalEdgeRuntime,
  model: string,
  wanted: string,
  signal: AbortSignal,
): Promise<void> {
  for (const deadline = performance.now() + OTHER_CHANGE_MS; ;) {
    const { state, reason, lifecycle } = runtime.model(model);
    const active = lifecycle?.active.package;
    if (state === 'ready' && active === wanted) return;
    // It was waited for, and is looked for again in a moment.
    const isAwaited = reason?.code === 'MODEL_NOT_INSTALLED' && performance.now() < deadline;
    if (state === 'closed' || active !== wanted || (state === 'failed' && !isAwaited)) {
      throw new VedetteError(
        reason?.code ?? 'MODEL_NOT_READY',
        `model '${model}' is ${state} with ${active}, expected ready with ${wanted}` +
          (reason ? `: ${reason.message}` : ''),
      );
    }
    await waited(signal);
  }
}

async function waited(signal: AbortSignal): Promise<void> {
  await pause(POLL_MS, undefined, { signal }).catch(() => {
    throw new VedetteError('SHUTTING_DOWN', 'The process is stopping');
  });
}
