import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { buildApp } from '../local-server/app.ts';
import packageJson from '../package.json' with { type: 'json' };
import { addConfigCommands } from './commands/config.ts';
import { addModelCommands } from './commands/model.ts';
import { addRunCommand } from './commands/run.ts';
import type { CommandContext } from './commands/command-context.ts';
import { resolveSecret } from './configuration/resolve-secret.ts';

export interface DeviceProgram {
  readonly program: Command;
  readonly context: CommandContext;
}

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The command line with the device's groups, put together from all parts of the device. */
export function createDeviceProgram(process: NodeJS.Process): DeviceProgram {
  // Labels in live pictures are drawn with a font that is shipped: a bare device has none.
  process.env['FONTCONFIG_FILE'] ??= pathOf('./pipeline/fonts.conf');

  const context: CommandContext = {
    version: packageJson.version,
    stdout: process.stdout,
    stderr: process.stderr,
    demoFile: pathOf('../samples/demo.yaml'),
    readSecret: (reference) => resolveSecret(reference, process.env),
    openServer: async (runtime, { host, port, token, logger }) => {
      const { server } = runtime.config;
      const app = await buildApp({
        runtime,
        ...(token === undefined ? {} : { token }),
        allowedHosts: Object.keys(server.allowedHosts).filter((name) => server.allowedHosts[name]),
        maxBodyBytes: server.maxBodyBytes,
        logger,
        dashboardFolder: pathOf('../build/dashboard'),
      });
      return {
        address: await app.listen({ host, port }),
        close: () => app.close(),
        endConnections: () => app.server.closeAllConnections(),
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
  return { program, context };
}
