import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import {
  findGpioPrograms,
  GpioProgram,
  levelOf,
  monitorArguments,
} from '../../field-io/gpio-programs.ts';
import { EdgeWatch } from './edge-watch.ts';
import { keepConnected } from './keep-connected.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/** Triggers by an input of a GPIO chip. */
export function openGpioTrigger(
  config: TriggerConfigOf<'gpio'>,
  listener: TriggerListener,
): TriggerSource {
  const edges = new EdgeWatch(config.edge, config.holdOffMs);
  return keepConnected(listener, async (signal, listening) => {
    edges.lose();
    const settle = settling(config.debounceMs, (level) => {
      if (!signal.aborted && edges.see(level)) listener.fire({});
    });
    const told = (line: string) => {
      const level = levelOf(line);
      if (level === undefined) return;
      // Before a rise it was low, and high before a fall.
      if (!edges.isSeen) edges.see(1 - level);
      settle(level);
    };
    const programs = await findGpioPrograms();
    const given = monitorArguments(config, programs);
    const program = await GpioProgram.start('gpiomon', given, told);
    const stop = () => void program.close();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    listening();
    const why = await program.ended();
    signal.removeEventListener('abort', stop);
    settle(undefined);
    if (!signal.aborted && why) throw why;
  });
}

/** Gives a level when it has stayed for so long; `undefined` ends the waiting. */
function settling(
  debounceMs: number,
  give: (level: number) => void,
): (level: number | undefined) => void {
  let timer: NodeJS.Timeout | undefined;
  return (level) => {
    clearTimeout(timer);
    if (level === undefined) return;
    if (debounceMs === 0) give(level);
    else timer = setTimeout(() => give(level), debounceMs);
  };
}
