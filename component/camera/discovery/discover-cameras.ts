import { VedetteError, type SerializedError } from '../../contract/errors.ts';
import { runProgram } from '../run-program.ts';
import { genicamCameras, type GenicamFound } from './genicam-cameras.ts';
import { onvifStreams, type OnvifLogin, type OnvifStream } from './onvif-streams.ts';
import {
  parseFormats,
  usbCameras,
  withRates,
  type DeviceFormat,
  type UsbCamera,
} from './usb-cameras.ts';
import { discoverOnvif, type DiscoveryOptions, type FoundCamera } from './ws-discovery.ts';

export interface DiscoverOptions extends DiscoveryOptions {
  /** For the addresses of streams. */
  readonly login?: OnvifLogin;
  /** `ffmpeg.path` of the configuration. */
  readonly ffmpegPath: string;
  /** Ends what is still being asked. */
  readonly signal?: AbortSignal;
}

export type NetworkCamera = FoundCamera &
  ({ readonly streams: readonly OnvifStream[] } | { readonly problem: SerializedError });

export type LocalCamera = UsbCamera & { readonly formats: readonly DeviceFormat[] };

export interface FoundCameras {
  /** ONVIF cameras. */
  readonly network: readonly NetworkCamera[];
  /** Why the network could not be asked, on a machine that has none. */
  readonly networkProblem?: SerializedError;
  /** V4L2 devices of this machine; absent when one address was asked. */
  readonly usb?: readonly LocalCamera[];
  /** Industrial cameras; absent then, too, and where Aravis' tool is not installed. */
  readonly genicam?: readonly GenicamFound[];
}

/**
 * Everything that can be found from here. A camera that answers and then tells no streams says why.
 * @throws VedetteError CAMERA_SOURCE_FAILED when the one address that is asked cannot be sent to
 */
export async function discoverCameras(options: DiscoverOptions): Promise<FoundCameras> {
  const { durationMs, target, login, ffmpegPath, signal } = options;
  let networkProblem: SerializedError | undefined;
  const [found, usb, genicam] = await Promise.all([
    discoverOnvif({ durationMs, ...(target === undefined ? {} : { target }) }).catch(
      (error: unknown) => {
        if (target !== undefined) throw error;
        networkProblem = VedetteError.from(error).serialize();
        return [];
      },
    ),
    target === undefined ? localCameras(ffmpegPath) : undefined,
    target === undefined ? genicamCameras() : undefined,
  ]);
  const network = await Promise.all(
    found.map(async (one): Promise<NetworkCamera> => {
      try {
        return { ...one, streams: await onvifStreams(one.service, login, signal) };
      } catch (error) {
        return { ...one, problem: VedetteError.from(error).serialize() };
      }
    }),
  );
  return {
    network,
    ...(networkProblem === undefined ? {} : { networkProblem }),
    ...(usb === undefined ? {} : { usb }),
    ...(genicam === undefined ? {} : { genicam }),
  };
}

const localCameras = async (ffmpegPath: string): Promise<LocalCamera[]> =>
  Promise.all((await usbCameras()).map((one) => withFormats(one, ffmpegPath)));

async function withFormats(camera: UsbCamera, ffmpeg: string): Promise<LocalCamera> {
  const { device } = camera;
  const [listed, rates] = await Promise.all([
    // ffmpeg lists them and then ends with an error, having opened nothing.
    runProgram(ffmpeg, ['-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', device]),
    runProgram('v4l2-ctl', ['--device', device, '--list-formats-ext']),
  ]);
  const formats = 'failure' in listed ? parseFormats(listed.stderr) : [];
  // Without the program (Debian: v4l-utils) rates are not known.
  return { ...camera, formats: 'stdout' in rates ? withRates(formats, rates.stdout) : formats };
}
