import { resolve } from 'node:path';
import type { CameraSourceOf } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import { secretsOfAddress, shownAddress } from '../contract/shown-address.ts';
import { withoutCredentials } from '../contract/without-credentials.ts';

export type FfmpegSource = CameraSourceOf<'ffmpeg'>;

/** What kind of source a URL names; decides its options and the protocols that ffmpeg may use. */
export type InputKind = 'file' | 'device' | 'rtsp' | 'http';

/** What ffmpeg is given to open, without any option. */
export interface FfmpegInput {
  readonly kind: InputKind;
  /** Without user name and password; its query may hold a login, see `holdsLogin`. */
  readonly url: string;
  readonly credentials?: Credentials;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Protocols that ffmpeg may use for each kind, so that a playlist, a stream description or a
 * redirect cannot make it read something else.
 */
const PROTOCOLS: Readonly<Record<InputKind, string>> = {
  file: 'file',
  device: '',
  rtsp: 'rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto',
  http: 'http,https,tcp,tls,crypto',
};

/** The least that ffmpeg takes, in bytes. */
const SHORTEST_PROBE = '32';

const SCHEMES: Readonly<Record<string, InputKind>> = {
  'rtsp:': 'rtsp',
  'rtsps:': 'rtsp',
  'http:': 'http',
  'https:': 'http',
};

/**
 * Reads the URL of a source. A user name and password inside it are taken out of it.
 * @throws VedetteError CONFIG_INVALID when it is none of what Vedette lets ffmpeg open
 */
export function parseInput(source: FfmpegSource, password?: string): FfmpegInput {
  const { url } = source;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    const path = resolve(url);
    return { kind: path.startsWith('/dev/') ? 'device' : 'file', url: path };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'file:')
    return { kind: 'file', url: decodeURIComponent(parsed.pathname) };
  const kind = parsed === undefined ? undefined : SCHEMES[parsed.protocol];
  if (parsed === undefined || kind === undefined) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `a camera's url must be a file path, /dev/video…, rtsp(s)://… or http(s)://…, got ${withoutCredentials(url)}`,
    );
  }
  const credentials = {
    username: source.username ?? decodeURIComponent(parsed.username),
    password: password ?? decodeURIComponent(parsed.password),
  };
  parsed.username = '';
  parsed.password = '';
  const isNeeded = credentials.username !== '' || credentials.password !== '';
  return { kind, url: parsed.href, ...(isNeeded ? { credentials } : {}) };
}

/** Whether the address must not stand in a process list. */
const holdsLogin = ({ kind, url, credentials }: FfmpegInput): boolean =>
  credentials !== undefined ||
  ((kind === 'rtsp' || kind === 'http') && secretsOfAddress(url).length > 0);

/** How the source is opened; everything in it is from this file or a number, but for the URL. */
export interface InputArguments {
  readonly arguments: readonly string[];
  /**
   * What ffmpeg must read on its standard input: a playlist of one entry that holds the address
   * with its credentials, which so appear in no process list.
   */
  readonly playlist?: string;
}

export interface InputPace {
  /** Read a recording at its own rate in place of as fast as possible. */
  readonly isPaced: boolean;
  readonly isLooped: boolean;
  /**
   * Takes an RTSP stream for what its description says: else ffmpeg looks at up to twenty frames of it
   * before it gives the first, seconds at a low rate.
   */
  readonly isQuick?: boolean;
}

/** @throws VedetteError CONFIG_INVALID */
export function inputArguments(
  source: FfmpegSource,
  input: FfmpegInput,
  pace: InputPace,
): InputArguments {
  const protocols = PROTOCOLS[input.kind];
  switch (input.kind) {
    case 'file':
      return {
        arguments: [
          ...['-protocol_whitelist', protocols, '-threads', '2'],
          ...(pace.isPaced ? ['-re'] : []),
          ...(pace.isLooped ? ['-stream_loop', '-1'] : []),
          ...format(source),
          ...['-i', `file:${input.url}`],
        ],
      };
    case 'device':
      return {
        arguments: [
          ...deviceFormat(source),
          ...(source.size === undefined
            ? []
            : ['-video_size', `${source.size.width}x${source.size.height}`]),
          ...(source.framesPerSecond === undefined
            ? []
            : ['-framerate', String(source.framesPerSecond)]),
          ...['-i', input.url],
        ],
      };
    case 'rtsp':
    case 'http':
      return streamArguments(source, input, protocols, pace.isQuick === true);
  }
}

function streamArguments(
  source: FfmpegSource,
  input: FfmpegInput,
  protocols: string,
  isQuick: boolean,
): InputArguments {
  // Frame rates are not wanted: measuring one would cost seconds before the first frame. Threads
  // that work on several frames at once would delay each by as many frames.
  const live = ['-fpsprobesize', '0', '-flags', 'low_delay', '-threads', '2'];
  const transport = input.kind === 'rtsp' ? source.transport : undefined;
  const isShort = isQuick && input.kind === 'rtsp';
  if (!holdsLogin(input)) {
    return {
      arguments: [
        ...['-protocol_whitelist', protocols],
        ...live,
        ...(isShort ? ['-probesize', SHORTEST_PROBE] : []),
        ...(transport === undefined ? format(source) : ['-rtsp_transport', transport]),
        ...['-i', input.url],
      ],
    };
  }
  if (transport === undefined && source.inputFormat !== 'auto') {
    throw new VedetteError(
      'CONFIG_INVALID',
      `inputFormat: ${source.inputFormat} cannot be asked of ${shownAddress(input.url)} together with a login; use auto`,
    );
  }
  const url = new URL(input.url);
  // encodeURIComponent leaves the quote alone, which would end the playlist's string.
  const encode = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  url.username = encode(input.credentials?.username ?? '');
  url.password = encode(input.credentials?.password ?? '');
  return {
    arguments: [
      ...['-protocol_whitelist', `pipe,${protocols}`],
      ...live,
      ...(isShort ? ['-probesize', SHORTEST_PROBE] : []),
      ...['-f', 'concat', '-safe', '0', '-i', 'pipe:0'],
    ],
    playlist: [
      'ffconcat version 1.0',
      `file '${url.href.replaceAll("'", '%27')}'`,
      ...(transport === undefined ? [] : [`option rtsp_transport ${transport}`]),
      ...(isShort ? [`option probesize ${SHORTEST_PROBE}`] : []),
      '',
    ].join('\n'),
  };
}

function format(source: FfmpegSource): string[] {
  return source.inputFormat === 'auto' ? [] : ['-f', source.inputFormat];
}

/**
 * A JPEG that was cut off is no picture in place of one that is grey below the cut. Of H.264, where one
 * damaged picture would take all up to the next key frame with it, ffmpeg mends what it can.
 */
const EXACT = ['-err_detect', 'explode'];

/** A device speaks V4L2 whatever it sends; `mjpeg` and `h264` choose what it is asked to send. */
function deviceFormat(source: FfmpegSource): string[] {
  const { inputFormat } = source;
  const isAsked = inputFormat === 'mjpeg' || inputFormat === 'h264';
  return [
    ...(inputFormat === 'h264' ? [] : EXACT),
    ...(isAsked ? ['-f', 'v4l2', '-input_format', inputFormat] : ['-f', 'v4l2']),
  ];
}
