import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * Nice values of threads that must not take a core from those that judge frames. Linux keeps one for
 * each thread, and process id 0 means the calling thread (setpriority(2), «C library/kernel
 * differences»); threads started later inherit it.
 */
const LOADING_NICENESS = 9;
const ASIDE_NICENESS = 10;

/**
 * `loading`: the thread steps aside until its model is warm, for which it must be allowed to come
 * back (`mayComeBack`). `always`: it stays aside.
 */
export type StepAside = 'loading' | 'always';

/** Lowers the priority of this thread. Does nothing where it is that low already. */
export function stepAside(how: StepAside): void {
  const niceness = how === 'loading' ? LOADING_NICENESS : ASIDE_NICENESS;
  if (getPriority(0) < niceness) setPriority(0, niceness);
}

/** Brings this thread, and those that ONNX Runtime started while it was aside, back to `niceness`. */
export function comeBack(niceness: number): void {
  setPriority(0, niceness);
  for (const name of readdirSync('/proc/self/task')) {
    const thread = Number(name);
    if (prioritySafely(thread) === LOADING_NICENESS) setPriority(thread, niceness);
  }
}

/** Whether this process may raise a priority again that it lowered: CAP_SYS_NICE or RLIMIT_NICE. */
export function mayComeBack(niceness: number): boolean {
  const lowered = getPriority(0);
  try {
    setPriority(0, niceness);
  } catch {
    return false;
  }
  setPriority(0, lowered);
  return true;
}

/** `undefined` for a thread that has ended. */
function prioritySafely(thread: number): number | undefined {
  try {
    return getPriority(thread);
  } catch {
    return undefined;
  }
}
