import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { hasCredentials } from '../configuration/url-credentials.ts';
import { createDriver } from '../camera/create-driver.ts';
import { cameraSchema, type CameraConfig } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver } from '../contract/ports.ts';
import type { CommandContext } from './command-context.ts';
import { loadDeviceConfiguration } from './device-configuration.ts';

/** Before the name of an industrial camera, as `discover` prints it. */
export const GENICAM = 'genicam:';

export interface CameraOptions {
  readonly config?: string;
  readonly username?: string;
  readonly passwordFile?: string;
}

/** A source that was named on the command line. */
export interface NamedCamera {
  readonly name: string;
  readonly camera: CameraConfig;
  readonly driver: CameraDriver;
}

export const withCameraOptions = (command: Command): Command =>
  command
    .argument(
      '<camera>',
      'its name in the configuration, or an address, device, genicam:NAME, file or folder',
    )
    .option('-c, --config <file>', 'the configuration that names it')
    .option('--username <name>', 'of an address')
    .option('--password-file <file>', 'a file that holds the password of an address');

/**
 * The camera of that name in the configuration; else what lies at that address or path.
 * @throws VedetteError CAMERA_NOT_FOUND, CONFIG_INVALID, CONFIG_UNREADABLE, REQUEST_INVALID
 */
export async function openNamedCamera(
  named: string,
  options: CameraOptions,
  context: CommandContext,
): Promise<NamedCamera> {
  const { config } = await loadDeviceConfiguration(options.config, context);
  const camera = config.cameras[named] ?? cameraAt(named, options);
  if (camera === undefined) {
    const names = Object.keys(config.cameras).join(', ') || 'none';
    throw new VedetteError(
      'CAMERA_NOT_FOUND',
      `${named} is no configured camera (${names}), no address and nothing on this machine`,
    );
  }
  const driver = createDriver({
    name: named,
    camera,
    ffmpegPath: config.ffmpeg.path,
    readSecret: context.readSecret,
  });
  return { name: named, camera, driver };
}

function cameraAt(named: string, options: CameraOptions): CameraConfig | undefined {
  const source = sourceAt(named);
  if (source === undefined) return undefined;
  const { username, passwordFile } = options;
  const login = {
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: { file: passwordFile } }),
  };
  if (hasCredentials(named)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      'the address holds a login, which every process list shows; use --username and --password-file',
    );
  }
  const parsed = cameraSchema.safeParse({
    source: source.kind === 'ffmpeg' ? { ...source, ...login } : source,
    // Nothing is judged here.
    model: 'none',
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new VedetteError('REQUEST_INVALID', `${named} is no camera: ${issue?.message}`);
}

type NamedSource = { kind: string; url?: string; path?: string; camera?: string };

function sourceAt(named: string): NamedSource | undefined {
  if (named.startsWith(GENICAM)) return { kind: 'genicam', camera: named.slice(GENICAM.length) };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(named)) return { kind: 'ffmpeg', url: named };
  const found = statSync(named, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return { kind: 'folder', path: named };
  // A device that is not there has its own sentence.
  const isNamed = found !== undefined || named.startsWith('/dev/');
  return isNamed ? { kind: 'ffmpeg', url: named } : undefined;
}
