import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import type { RuntimeAddressOptions } from './runtime-client.ts';

interface DoctorOptions extends RuntimeAddressOptions {
  readonly json?: boolean;
}

/** `vedette doctor` */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('look for what is wrong on this device, and say what to do')
    .option('-c, --config <file>', 'the configuration that the runtime has, or would have')
    .option('--url <address>', 'its address, whatever the configuration says')
    .option('--json', 'print {"isHealthy", "checks": [{"check", "state", "says", "remedy"}]}')
    .action((options: DoctorOptions) => doctor(options, context));
}

/** The exit code is 1 when something is at fault. */
async function doctor(options: DoctorOptions, context: CommandContext): Promise<void> {
  // What looks is loaded by who looks alone: other commands start sooner.
  const { examinationText, examine } = await import('./doctor/examine.ts');
  const { openSubject } = await import('./doctor/subject.ts');
  const examination = await examine(await openSubject(options, context));
  context.stdout.write(
    options.json ? `${JSON.stringify(examination, undefined, 2)}\n` : examinationText(examination),
  );
  if (!examination.isHealthy) process.exitCode = 1;
}
