import { createHash, randomBytes } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { VedetteError } from '../../contract/errors.ts';
import { shownAddress } from '../../contract/shown-address.ts';
import { plainCode } from '../plain-reason.ts';
import { allNamed, MAX_XML_LENGTH, readXml, textAt, type XmlElement } from './read-xml.ts';
import { atHost } from './ws-discovery.ts';

export interface OnvifLogin {
  readonly username: string;
  readonly password: string;
}

/** One of the streams that a camera offers. */
export interface OnvifStream {
  readonly profile: string;
  /** Without a login. */
  readonly url: string;
  readonly encoding?: string;
  readonly width?: number;
  readonly height?: number;
  readonly framesPerSecond?: number;
}

const TIMEOUT_MS = 5000;
const MAX_PROFILES = 32;
const DEVICE = 'http://www.onvif.org/ver10/device/wsdl';
const MEDIA = 'http://www.onvif.org/ver10/media/wsdl';
const SECURITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/**
 * The streams of a camera: its media service, its profiles, and `GetStreamUri` for each. `service`
 * is the address of its device service; `signal` ends what is being asked.
 * @throws VedetteError CAMERA_SOURCE_FAILED, CAMERA_LOGIN_REFUSED
 */
export async function onvifStreams(
  service: string,
  login?: OnvifLogin,
  signal?: AbortSignal,
): Promise<OnvifStream[]> {
  const call = await openSession(service, login, signal);
  const host = new URL(service).hostname;
  const capabilities = await call(
    service,
    `<GetCapabilities xmlns="${DEVICE}"><Category>Media</Category></GetCapabilities>`,
  );
  const media = atHost(textAt(capabilities, 'Media', 'XAddr') ?? '', host);
  if (media === undefined) throw failed(service, 'it tells no media service');
  const profiles = allNamed(await call(media, `<GetProfiles xmlns="${MEDIA}"/>`), 'Profiles');
  const streams: OnvifStream[] = [];
  for (const profile of profiles.slice(0, MAX_PROFILES)) {
    const answer = await call(
      media,
      `<GetStreamUri xmlns="${MEDIA}" xmlns:s="http://www.onvif.org/ver10/schema"><StreamSetup><s:Stream>RTP-Unicast</s:Stream><s:Transport><s:Protocol>RTSP</s:Protocol></s:Transport></StreamSetup><ProfileToken>${escaped(profile.attributes['token'] ?? '')}</ProfileToken></GetStreamUri>`,
    );
    const url = streamUrl(textAt(answer, 'Uri') ?? '', host);
    if (url !== undefined) streams.push(describe(profile, url));
  }
  return streams;
}

function describe(profile: XmlElement, url: string): OnvifStream {
  const encoder = allNamed(profile, 'VideoEncoderConfiguration')[0];
  const value = (...path: string[]) => {
    const number = Number(encoder === undefined ? undefined : textAt(encoder, ...path));
    return number > 0 ? number : undefined;
  };
  const [width, height] = [value('Resolution', 'Width'), value('Resolution', 'Height')];
  const rate = value('RateControl', 'FrameRateLimit');
  const encoding = encoder && textAt(encoder, 'Encoding');
  return {
    ...{ profile: profile.attributes['token'] ?? '', url },
    ...(encoding === undefined ? {} : { encoding }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(rate === undefined ? {} : { framesPerSecond: rate }),
  };
}

/** At the host that answered, for the same reasons as `atHost`. */
function streamUrl(uri: string, host: string): string | undefined {
  if (!/^rtsps?:\/\//i.test(uri) || !URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  url.hostname = host;
  url.username = '';
  url.password = '';
  return url.href;
}

type Call = (address: string, body: string) => Promise<XmlElement>;

/** Calls with a login are dated by the camera's clock, or it takes them for repeated ones. */
async function openSession(
  service: string,
  login: OnvifLogin | undefined,
  signal: AbortSignal | undefined,
): Promise<Call> {
  const ask: Call = (address, body) => send(address, envelope('', body), signal);
  if (login === undefined) return ask;
  const asked = performance.now();
  const time = await ask(service, `<GetSystemDateAndTime xmlns="${DEVICE}"/>`).catch(
    () => undefined,
  );
  const cameraMs = (time && clockOf(time)) ?? Date.now();
  return (address, body) => {
    const created = new Date(cameraMs + performance.now() - asked).toISOString();
    const header = securityHeader(login, created, randomBytes(16));
    return send(address, envelope(header, body), signal);
  };
}

function clockOf(answer: XmlElement): number | undefined {
  const utc = allNamed(answer, 'UTCDateTime')[0];
  if (utc === undefined) return undefined;
  const number = (name: string) => Number(textAt(utc, name));
  const [year, month, day] = [number('Year'), number('Month') - 1, number('Day')];
  const ms = Date.UTC(year, month, day, number('Hour'), number('Minute'), number('Second'));
  return Math.abs(ms) <= 8.64e15 ? ms : undefined;
}

/** WS-Security UsernameToken Profile 1.0: Base64(SHA-1(nonce + created + password)). */
export function securityHeader(login: OnvifLogin, created: string, nonce: Uint8Array): string {
  const digest = createHash('sha1').update(nonce).update(created).update(login.password, 'utf8');
  const type = `${SECURITY}-username-token-profile-1.0#PasswordDigest`;
  return `<o:Security xmlns:o="${SECURITY}-wssecurity-secext-1.0.xsd" xmlns:u="${SECURITY}-wssecurity-utility-1.0.xsd"><o:UsernameToken><o:Username>${escaped(login.username)}</o:Username><o:Password Type="${type}">${digest.digest('base64')}</o:Password><o:Nonce>${Buffer.from(nonce).toString('base64')}</o:Nonce><u:Created>${created}</u:Created></o:UsernameToken></o:Security>`;
}

const envelope = (header: string, body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header>${header}</e:Header><e:Body>${body}</e:Body></e:Envelope>`;

const escaped = (text: string) =>
  text.replaceAll(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

const failed = (address: string, reason: string, cause?: unknown) =>
  new VedetteError('CAMERA_SOURCE_FAILED', `${shownAddress(address)}: ${reason}`, { cause });

async function send(address: string, body: string, ended?: AbortSignal): Promise<XmlElement> {
  const { status, text } = await post(address, body, ended);
  const isRefused =
    status === 401 || status === 403 || /NotAuthorized|FailedAuthentication/.test(text);
  if (isRefused) {
    throw new VedetteError(
      'CAMERA_LOGIN_REFUSED',
      `${shownAddress(address)}: it refuses the user name or the password, or wants some (ONVIF users are often apart from those of the web page)`,
    );
  }
  const root = readXml(text);
  const fault = allNamed(root, 'Fault')[0];
  if (fault !== undefined) {
    const reason = textAt(fault, 'Text') ?? textAt(fault, 'faultstring') ?? 'no reason';
    throw failed(address, `it answered with a fault: ${reason.slice(0, 200)}`);
  }
  if (status !== 200) throw failed(address, `it answered ${status}`);
  return root;
}

async function post(
  address: string,
  body: string,
  ended: AbortSignal | undefined,
): Promise<{ status: number; text: string }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = ended === undefined ? timeout : AbortSignal.any([timeout, ended]);
  const start = address.startsWith('https:') ? requestHttps : request;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = start(address, {
        method: 'POST',
        headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
        agent: false,
        signal,
      });
      asked.once('response', resolve).once('error', reject).end(body);
    });
    const chunks: Buffer[] = [];
    let byteLength = 0;
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      byteLength += (chunk as Buffer).byteLength;
      if (byteLength > MAX_XML_LENGTH) throw failed(address, 'its answer is too long');
    }
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof VedetteError) throw error;
    if (timeout.aborted) throw failed(address, `no answer came for ${TIMEOUT_MS} ms`, error);
    if (signal.aborted) throw failed(address, 'it was asked for no longer', error);
    throw failed(address, plainCode(error as NodeJS.ErrnoException), error);
  }
}
