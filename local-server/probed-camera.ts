import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { createDriver } from '../component/camera/create-driver.ts';
import { hasCredentials } from '../component/configuration/url-credentials.ts';
import { cameraSchema, type CameraConfig } from '../component/contract/camera-config.ts';
import { VedetteError } from '../component/contract/errors.ts';
import type { CameraDriver } from '../component/contract/ports.ts';
import { parseRequestValue } from './request-values.ts';

/** What a request may open: cameras. Files, folders and pipelines are for who is on the machine. */
const KINDS = ['ffmpeg', 'http-mjpeg', 'http-snapshot', 'genicam'];
const DEVICE = /^\/dev\/(?:video\d{1,3}|v4l\/by-(?:id|path)\/[\w:.+-]{1,200})$/;
const NETWORK = /^(?:rtsps?|https?):\/\//i;

/**
 * Machines of clouds give out credentials at these addresses, to whoever asks from there. No camera
 * has them.
 */
const CREDENTIAL_SERVICES = new BlockList();
for (const one of ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200']) {
  CREDENTIAL_SERVICES.addAddress(one);
}
CREDENTIAL_SERVICES.addAddress('fd00:ec2::254', 'ipv6');
CREDENTIAL_SERVICES.addAddress('fd00:ec2::23', 'ipv6');

export interface ProbedCamera {
  readonly camera: CameraConfig;
  readonly driver: CameraDriver;
}

/**
 * The camera that a request asks to open: `source` as a configuration has it, its password apart, which
 * is so in no address and is read from nowhere on this machine.
 * @throws VedetteError REQUEST_INVALID, CONFIG_INVALID
 */
export async function probedCamera(
  source: Readonly<Record<string, unknown>>,
  password: string | undefined,
  ffmpegPath: string,
): Promise<ProbedCamera> {
  if (source['password'] !== undefined) {
    throw refused('source.password is not read; send the password itself beside `source`');
  }
  if (!KINDS.includes(String(source['kind']))) {
    throw refused(`source.kind must be one of ${KINDS.join(', ')}`);
  }
  if (typeof source['url'] === 'string') await checkAddress(source['url']);
  const takesLogin = source['kind'] !== 'genicam';
  if (password !== undefined && !takesLogin) throw refused('a GenICam camera takes no password');
  const camera = parseRequestValue(
    cameraSchema,
    {
      source: password === undefined ? source : { ...source, password: { env: 'PROBED' } },
      // Nothing is judged here.
      model: 'none',
    },
    'source',
  );
  const readSecret = async () => password ?? '';
  return { camera, driver: createDriver({ name: 'probed', camera, ffmpegPath, readSecret }) };
}

/** @throws VedetteError REQUEST_INVALID */
async function checkAddress(url: string): Promise<void> {
  if (hasCredentials(url)) {
    throw refused('the address holds a login; send `source.username` and `password` apart');
  }
  if (DEVICE.test(url)) return;
  if (!NETWORK.test(url) || !URL.canParse(url)) {
    throw refused('source.url must be rtsp(s)://…, http(s)://… or /dev/video…');
  }
  // The rules of http for hosts know every way to write an IP address.
  const { hostname } = new URL(url.replace(/^rtsp/i, 'http'));
  // A name that is unknown is said as such by who opens it.
  const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  if (found.some(({ address, family }) => isCredentialService(address, family))) {
    throw refused(`at ${hostname} is no camera, but what gives out credentials of this machine`);
  }
}

const isCredentialService = (address: string, family: number) =>
  CREDENTIAL_SERVICES.check(address, family === 6 ? 'ipv6' : 'ipv4');

const refused = (message: string) => new VedetteError('REQUEST_INVALID', message);
