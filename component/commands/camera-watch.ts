import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CameraSupervisor } from '../camera/camera-supervisor.ts';
import { resolvePolicy } from '../camera/create-driver.ts';
import { FrameSlots } from '../camera/frame-slots.ts';
import type { CommandContext } from './command-context.ts';
import { Interruption } from './interruption.ts';
import { openNamedCamera, withCameraOptions, type CameraOptions } from './named-camera.ts';
import { numberBetween } from './option-values.ts';

interface WatchOptions extends CameraOptions {
  readonly seconds?: number;
  readonly json?: boolean;
}

const LINE_MS = 1000;

/** `vedette camera watch` */
export function addCameraWatch(camera: Command, context: CommandContext): void {
  withCameraOptions(
    camera
      .command('watch')
      .description('keep a source open as the runtime does, and say every second how it is'),
  )
    .option(
      '--seconds <number>',
      'end after so long; until Ctrl-C when absent',
      numberBetween(1, 1e6),
    )
    .option('--json', 'print a JSON object a line')
    .action((named: string, options: WatchOptions) => watch(named, options, context));
}

async function watch(named: string, options: WatchOptions, context: CommandContext): Promise<void> {
  const { camera, driver, name } = await openNamedCamera(named, options, context);
  const slots = new FrameSlots({
    slots: camera.slots,
    slotBytes: camera.maxFrameBytes,
    policy: resolvePolicy(camera),
  });
  const supervisor = new CameraSupervisor({ name, driver, slots });
  const interruption = new Interruption(context.stdout);
  const ended = new AbortController();
  const taking = takeAll(slots, ended.signal);
  supervisor.start();
  const untilMs = performance.now() + (options.seconds ?? Infinity) * 1000;
  try {
    let before = 0;
    while (interruption.isWanted && performance.now() < untilMs) {
      await sleep(LINE_MS);
      const { status } = supervisor;
      const frames = status.framesDelivered - before;
      before = status.framesDelivered;
      const line = options.json
        ? JSON.stringify({ at: new Date().toISOString(), frames, ...status })
        : [
            new Date().toISOString().slice(11, 19),
            status.state.padEnd(12),
            `${String(frames).padStart(4)} frames`,
            `${status.restarts} restarts`,
            ...(status.reason === undefined ? [] : [status.reason.message]),
          ].join('  ');
      context.stdout.write(`${line}\n`);
      if (status.state === 'ended') break;
    }
  } finally {
    interruption.close();
    await supervisor.close();
    ended.abort();
    slots.close();
    await taking;
  }
}

/** A source of policy `every` waits for its reader. */
async function takeAll(slots: FrameSlots, signal: AbortSignal): Promise<void> {
  for (;;) {
    const lease = await slots.next(signal);
    if (lease === undefined) return;
    slots.release(lease);
  }
}
