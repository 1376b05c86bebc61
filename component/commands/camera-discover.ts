import type { Command } from 'commander';
import {
  discoverCameras,
  type LocalCamera,
  type NetworkCamera,
} from '../camera/discovery/discover-cameras.ts';
import type { GenicamFound } from '../camera/discovery/genicam-cameras.ts';
import { discoveryTarget } from '../camera/discovery/ws-discovery.ts';
import { deviceSizeText } from '../contract/device-size-text.ts';
import type { CommandContext } from './command-context.ts';
import { loadDeviceConfiguration } from './device-configuration.ts';
import { GENICAM } from './named-camera.ts';
import { numberBetween } from './option-values.ts';

interface DiscoverOptions {
  readonly config?: string;
  readonly seconds: number;
  readonly address?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly json?: boolean;
}

/** `vedette camera discover` */
export function addCameraDiscover(camera: Command, context: CommandContext): void {
  camera
    .command('discover')
    .description(
      'look for cameras: ONVIF on the network, V4L2 (USB) on this machine, GenICam through Aravis',
    )
    .option('-c, --config <file>', 'the configuration that says where ffmpeg is')
    .option('--seconds <number>', 'how long answers are waited for', numberBetween(0.2, 60), 3)
    .option(
      '--address <ip[:port]>',
      'ask this one address and nothing else, where multicast does not get through',
    )
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
  const found = await discoverCameras({
    durationMs: options.seconds * 1000,
    ffmpegPath: config.ffmpeg.path,
    ...(options.address === undefined
      ? {}
      : { target: discoveryTarget(options.address, '--address') }),
    ...(login === undefined ? {} : { login }),
  });
  const { network, networkProblem, usb = [], genicam = [] } = found;
  context.stdout.write(
    options.json
      ? `${JSON.stringify(found, undefined, 2)}\n`
      : [
          ...(networkProblem === undefined
            ? []
            : [`${networkProblem.code}: ${networkProblem.message}\n`]),
          ...network.map(networkText),
          ...usb.map(usbText),
          ...genicam.map(genicamText),
        ].join('') || 'no camera was found\n',
  );
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

function usbText(camera: LocalCamera): string {
  const lines = camera.formats.map(({ name, sizes }) => {
    const list = sizes.map(deviceSizeText).join('  ');
    return `  ${name}  ${list}`;
  });
  const none = camera.formats.length === 0 ? ['  gives no pictures, or is in use'] : [];
  return [`${camera.device}  ${camera.name}`, ...lines, ...none, ''].join('\n');
}

function genicamText({ name, camera }: GenicamFound): string {
  const named = `${GENICAM}${camera}`;
  return `${/\s/.test(named) ? `'${named}'` : named}  ${name}\n`;
}
