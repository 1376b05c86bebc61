import type { FoundCameras } from '../../component/camera/discovery/discover-cameras.ts';
import type { ProbeReport } from '../../component/camera/probe-source.ts';
import { request } from './api-client.ts';

/** A source that somebody typed or chose. */
export interface SourceForm {
  /** `rtsp://…`, `http://…`, `/dev/video0` or `genicam:NAME`. */
  readonly address: string;
  /** What is at an `http` address. */
  readonly httpKind: 'http-mjpeg' | 'http-snapshot' | 'ffmpeg';
  /** Of an `rtsp` address. */
  readonly transport: 'tcp' | 'udp';
  readonly username: string;
  readonly password: string;
  /** What the camera calls itself. */
  readonly name?: string | undefined;
}

export const EMPTY_SOURCE: SourceForm = {
  address: '',
  httpKind: 'http-mjpeg',
  transport: 'tcp',
  username: '',
  password: '',
};

export const GENICAM_PREFIX = 'genicam:';

/** As it stands under `source` in a configuration, without its password. */
type Source = Readonly<Record<string, string>>;

export type SeenSource = Omit<ProbeReport, 'still'> & {
  readonly still: { readonly contentType: string; readonly base64: string };
};

export const isHttp = (address: string) => /^https?:\/\//i.test(address.trim());
export const isRtsp = (address: string) => /^rtsps?:\/\//i.test(address.trim());

/** `undefined` when the address names nothing that can be opened. */
export function sourceOf(form: SourceForm): Source | undefined {
  const address = form.address.trim();
  if (address.startsWith(GENICAM_PREFIX)) {
    return { kind: 'genicam', camera: address.slice(GENICAM_PREFIX.length) };
  }
  const login = form.username === '' ? {} : { username: form.username };
  if (isHttp(address)) return { kind: form.httpKind, url: address, ...login };
  if (isRtsp(address)) {
    const transport: Source = form.transport === 'tcp' ? {} : { transport: form.transport };
    return { kind: 'ffmpeg', url: address, ...transport, ...login };
  }
  return address.startsWith('/dev/') ? { kind: 'ffmpeg', url: address } : undefined;
}

/** Longest time that a try takes: for the first picture, and to count those that follow. */
export const OPENING_SECONDS = 15;
export const COUNTING_SECONDS = 2;

export async function probeCamera(
  source: Source,
  password: string,
  signal: AbortSignal,
): Promise<SeenSource> {
  const takesLogin = source['kind'] !== 'genicam' && password !== '';
  return post('camera-probe', signal, {
    source,
    ...(takesLogin ? { password } : {}),
    seconds: COUNTING_SECONDS,
    timeoutSeconds: OPENING_SECONDS,
  });
}

export interface SearchForm {
  /** The one to ask; all when empty. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
}

export async function discoverCameras(
  { address, username, password }: SearchForm,
  signal: AbortSignal,
): Promise<FoundCameras> {
  return post('camera-discovery', signal, {
    ...(address.trim() === '' ? {} : { address: address.trim() }),
    ...(username === '' ? {} : { username, password }),
    seconds: address.trim() === '' ? 3 : 1,
  });
}

async function post<T>(path: string, signal: AbortSignal, body: unknown): Promise<T> {
  const answer = await request(`/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  return (await answer.json()) as T;
}

/** The lines that make a camera of it in a configuration file. A JSON string is one of YAML too. */
export function configurationLines(form: SourceForm, model: string | undefined): string {
  const source = Object.entries(sourceOf(form) ?? {}).map(([key, value]) => {
    // Of a login or an address YAML could make a number or a Boolean.
    const isPlain = key === 'kind' || key === 'transport';
    return `      ${key}: ${isPlain ? value : JSON.stringify(value)}`;
  });
  const name = cameraName(form);
  return [
    'cameras:',
    `  ${name}:`,
    `    model: ${model ?? 'NAME-OF-A-MODEL'}`,
    '    source:',
    ...source,
    ...(form.password === '' || form.address.startsWith(GENICAM_PREFIX)
      ? []
      : [`      password: { file: /run/secrets/${name} }  # a file that holds the password`]),
    '',
  ].join('\n');
}

const cameraName = ({ name = '' }: SourceForm): string => {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40);
  return /^[a-z]/.test(plain) ? plain : 'new-camera';
};
