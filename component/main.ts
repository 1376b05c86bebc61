#!/usr/bin/env node
import { exitCodeOf } from './commands/command-context.ts';
import { createDeviceProgram } from './device-program.ts';

const { program, context } = createDeviceProgram(process);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error, context);
}
