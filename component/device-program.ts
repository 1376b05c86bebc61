import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addCameraCommands } from './commands/camera.ts';
import { addConfigCommands } from './commands/config.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addModelCommands } from './commands/model.ts';
import { addRunCommand } from './commands/run.ts';
import { addStatusCommand } from './commands/status.ts';
import { addSupportBundleCommand } from './commands/support-bundle.ts';
import type { CommandContext } from './commands/command-context.ts';
import type { ConfigurationLayer } from './configuration/configuration-layer.ts';
import { ipcAddress } from './greengrass/ipc-address.ts';
import { resolveSecret } from './configuration/resolve-secret.ts';

export interface DeviceProgram {
  readonly program: Command;
  readonly context: CommandContext;
}

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The ffmpeg that a component brings, unpacked beside this program. */
function mediaPack(arch: string): ConfigurationLayer | undefined {
  const name = `vedette-media-linux-${arch === 'x64' ? 'amd64' : arch}`;
  const file = pathOf(`../../${name}/bin/ffmpeg`);
  return existsSync(file) ? { origin: 'media pack', tree: { ffmpeg: { path: file } } } : undefined;
}

/** The command line with the device's groups, put together from all parts of the device. */
export function createDeviceProgram(process: NodeJS.Process): DeviceProgram {
  // Labels in live pictures are drawn with a font that is shipped: a bare device has none.
  process.env['FONTCONFIG_FILE'] ??= pathOf('./pipeline/fonts.conf');

  const machine = mediaPack(process.arch);

  const context: CommandContext = {
    ...(machine ? { machine } : {}),
    greengrass: {
      address: () => ipcAddress(process.env),
      thing: process.env['AWS_IOT_THING_NAME'],
      workFolder: process.cwd(),
      // Set by the command line that the component puts into its work folder.
      home: process.env['VEDETTE_WORK_FOLDER'],
    },
    version: packageJson.version,
    program: [process.execPath, ...process.argv.slice(1, 2)],
    stdout: process.stdout,
    stderr: process.stderr,
    demoFile: pathOf('../samples/demo.yaml'),
    readSecret: (reference) => resolveSecret(reference, process.env),
    executeAgain: () =>
      process.execve!(
        process.execPath,
        [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
        process.env as Record<string, string>,
      ),
    openServer: async (runtime, { host, port, ...settings }) => {
      // Loaded by who serves alone: other commands start sooner and need less memory.
      const { buildApp, followConfiguration } = await import('../local-server/app.ts');
      const dashboardFolder = pathOf('../build/dashboard');
      const app = await buildApp({ runtime, ...settings, dashboardFolder });
      return {
        address: await app.listen({ host, port }),
        close: () => app.close(),
        endConnections: () => app.server.closeAllConnections(),
        configured: () => followConfiguration(app, runtime, settings.logger),
      };
    },
  };

  const program = new Command('vedette')
    .description('Runs ONNX vision models next to cameras and keeps their verdicts.')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride();
  addRunCommand(program, context);
  addConfigCommands(program, context);
  addModelCommands(program, context);
  addCameraCommands(program, context);
  addStatusCommand(program, context);
  addDoctorCommand(program, context);
  addSupportBundleCommand(program, context);
  return { program, context };
}
