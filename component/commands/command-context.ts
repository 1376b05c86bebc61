import { CommanderError } from 'commander';
import type { SecretReference } from '../contract/config-values.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ConfigurationLayer } from '../configuration/configuration-layer.ts';
import type { IpcAddress } from '../greengrass/ipc-client.ts';
import type { EdgeRuntime } from '../edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';

export interface OpenServer {
  /** The address to open in a browser. */
  readonly address: string;
  /** Refuses what is new; resolves when the last connection has ended. */
  close(): Promise<unknown>;
  /** Ends every connection, whatever its client still waits for or has not sent. */
  endConnections(): void;
  /** Goes by the configuration that is in force now. */
  configured(): void;
}

/** What commands get from the composition root. */
export interface CommandContext {
  readonly version: string;
  /** What started this command line: Node and its file. */
  readonly program: readonly [string, ...string[]];
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Configuration of the demo. */
  readonly demoFile: string;
  /** What is known of the machine, such as the ffmpeg that lies beside the program. */
  readonly machine?: ConfigurationLayer;
  readonly greengrass: {
    /** @throws VedetteError GREENGRASS_ABSENT when no nucleus started this process */
    readonly address: () => IpcAddress;
    readonly thing: string | undefined;
    /** Where the nucleus lets this component write. */
    readonly workFolder: string;
    /** The work folder of the component whose command line this is; absent outside Greengrass. */
    readonly home: string | undefined;
  };
  /** Replaces the program by itself in the same process, with its arguments and environment. */
  readonly executeAgain: () => void;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** Serves a runtime over HTTP. Rejects with EADDRINUSE, EACCES or EADDRNOTAVAIL of node:net. */
  readonly openServer: (
    runtime: EdgeRuntime,
    settings: {
      readonly host: string;
      readonly port: number;
      readonly token?: string;
      readonly allowedHosts: readonly string[];
      readonly maxBodyBytes: number;
      readonly logger: Logger;
    },
  ) => Promise<OpenServer>;
}

/**
 * Prints an error as a person reads it and gives the exit code: 0 done, 2 usage or invalid input,
 * 4 worth trying again, 1 anything else.
 */
export function exitCodeOf(error: unknown, context: Pick<CommandContext, 'stderr'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = VedetteError.from(error);
  context.stderr.write(`${known.code}: ${known.message}\n`);
  if (known.code === 'INTERNAL') context.stderr.write(`${known.stack ?? ''}\n`);
  context.stderr.write(`→ ${known.remedy}\n`);
  if (known.retryable) return 4;
  return known.httpStatus < 500 ? 2 : 1;
}
