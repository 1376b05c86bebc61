import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/**
 * Triggers at a fixed interval of steady time: a clock that is set changes nothing, and turns that were
 * missed while the machine slept are not made up for.
 */
export function openScheduleTrigger(
  { intervalMs }: { readonly intervalMs: number },
  listener: TriggerListener,
): TriggerSource {
  const timer = setInterval(() => listener.fire({}), intervalMs);
  listener.listening();
  return {
    close: async () => clearInterval(timer),
  };
}
