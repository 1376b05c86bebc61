import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { addCameraDiscover } from './camera-discover.ts';
import { addCameraProbe } from './camera-probe.ts';
import { addCameraWatch } from './camera-watch.ts';

/** `vedette camera …` */
export function addCameraCommands(program: Command, context: CommandContext): void {
  const camera = program.command('camera').description('find cameras, try one, watch one');
  addCameraDiscover(camera, context);
  addCameraProbe(camera, context);
  addCameraWatch(camera, context);
}
