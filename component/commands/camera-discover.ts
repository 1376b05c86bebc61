import type { Command } from 'commander';
import { onvifStreams, type OnvifStream } from '../camera/discovery/onvif-streams.ts';
import {
  parseFormats,
  usbCameras,
  type DeviceFormat,
  type UsbCamera,
} from '../camera/discovery/usb-cameras.ts';
import { discoverOnvif, type FoundCamera } from '../camera/discovery/ws-discovery.ts';
import { VedetteError, type SerializedError } from '../contract/errors.ts';
import type { CommandContext } from './command-context.ts';
import { loadDeviceConfiguration } from './device-configuration.ts';
import { runProgram } from './doctor/run-program.ts';
import { numberBetween } from './option-values.ts';

interface DiscoverOptions {
  readonly config?: string;
  readonly seconds: number;
  readonly address?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly json?: boolean;
}

type NetworkCamera = FoundCamera &
  ({ readonly streams: readonly OnvifStream[] } | { readonly problem: SerializedError });

const WS_DISCOVERY_PORT = 3702;

/** `vedette camera discover` */
export function addCameraDiscover(camera: Command, context: CommandContext): void {
  camera
    .command('discover')
    .description('look for cameras: ONVIF on the network, V4L2 (USB) on this machine')
    .option('-c, --config <file>', 'the configuration that says where ffmpeg is')
    .option('--seconds <number>', 'how long answers are waited for', numberBetween(0.2, 60), 3)
    .option('--address <ip[:port]>', 'ask this one address, where multicast does not get through')
    .option('--username <name>', 'ONVIF user, to be told the addresses of streams')
    .option('--password-file <file>', 'a file that holds its password')
    .option('--json', 'print one JSON object')
    .action((options: DiscoverOptions) => discover(options, context));
}

async function discover(options: DiscoverOptions, context: CommandContext): Promise<void> {
  const { username, passwordFile } = options;
  const login =
    username === undefined && passwordFile === undefined
      ? undefined
      : {
          username: username ?? '',
          password:
            passwordFile === undefined ? '' : await context.readSecret({ file: passwordFile }),
        };
  const { config } = await loadDeviceConfiguration(options.config, context);
  const [found, usb] = await Promise.all([
    discoverOnvif({
      durationMs: options.seconds * 1000,
      ...(options.address === undefined ? {} : { target: targetOf(options.address) }),
    }),
    usbCameras().then((cameras) =>
      Promise.all(cameras.map((one) => withFormats(one, config.ffmpeg.path))),
    ),
  ]);
  const network = await Promise.all(
    found.map(async (one): Promise<NetworkCamera> => {
      try {
        return { ...one, streams: await onvifStreams(one.service, login) };
      } catch (error) {
        return { ...one, problem: VedetteError.from(error).serialize() };
      }
    }),
  );
  context.stdout.write(
    options.json
      ? `${JSON.stringify({ network, usb }, undefined, 2)}\n`
      : [...network.map(networkText), ...usb.map(usbText)].join('') || 'no camera was found\n',
  );
}

/** @throws VedetteError REQUEST_INVALID */
function targetOf(text: string): { address: string; port: number } {
  const found = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text);
  const port = Number(found?.[2] ?? WS_DISCOVERY_PORT);
  if (found === null || port < 1 || port > 65_535) {
    throw new VedetteError('REQUEST_INVALID', `--address must be an IPv4 address, got ${text}`);
  }
  return { address: found[1]!, port };
}

async function withFormats(
  camera: UsbCamera,
  ffmpeg: string,
): Promise<UsbCamera & { readonly formats: readonly DeviceFormat[] }> {
  const ask = ['-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', camera.device];
  // ffmpeg lists them and then ends with an error, having opened nothing.
  const end = await runProgram(ffmpeg, ask);
  return { ...camera, formats: 'failure' in end ? parseFormats(end.stderr) : [] };
}

function networkText(camera: NetworkCamera): string {
  const { address, name, hardware } = camera;
  const title = [address, name, hardware].filter((one) => one !== undefined).join('  ');
  const lines =
    'problem' in camera
      ? [`${camera.problem.code}: ${camera.problem.message}`]
      : camera.streams.map(({ url, encoding = '', width, height, framesPerSecond }) => {
          const size = width === undefined ? '' : `  ${width} × ${height}`;
          const rate = framesPerSecond === undefined ? '' : `  ${framesPerSecond} a second`;
          return `${url}  ${encoding}${size}${rate}`;
        });
  return [title, ...lines.map((line) => `  ${line}`), ''].join('\n');
}

function usbText(camera: UsbCamera & { readonly formats: readonly DeviceFormat[] }): string {
  const lines = camera.formats.map(({ name, sizes }) => {
    const list = sizes.map(({ width, height }) => `${width}×${height}`).join(' ');
    return `  ${name}  ${list}`;
  });
  const none = camera.formats.length === 0 ? ['  gives no pictures, or is in use'] : [];
  return [`${camera.device}  ${camera.name}`, ...lines, ...none, ''].join('\n');
}
