import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { VedetteError } from '../../contract/errors.ts';
import { plainCode } from '../plain-reason.ts';
import { allNamed, MAX_XML_LENGTH, readXml, textAt } from './read-xml.ts';

/** A camera that answered. */
export interface FoundCamera {
  /** IP address that the answer came from. */
  readonly address: string;
  /** Address of its ONVIF device service, at that IP address. */
  readonly service: string;
  /** What it calls itself, from the scopes that it told. */
  readonly name?: string;
  readonly hardware?: string;
}

export interface DiscoveryOptions {
  readonly durationMs: number;
  /** Where to ask in place of the multicast group: one device by its address. */
  readonly target?: { readonly address: string; readonly port: number };
}

/** WS-Discovery 1.0, as ONVIF uses it. */
const GROUP = { address: '239.255.255.250', port: 3702 };
const MAX_CAMERAS = 500;
/** Datagrams get lost: each is sent again so often. */
const SENDS = 3;

/**
 * Reads `192.168.1.20` or `192.168.1.20:3702`. `what` names where it was given.
 * @throws VedetteError REQUEST_INVALID
 */
export function discoveryTarget(
  text: string,
  what: string,
): NonNullable<DiscoveryOptions['target']> {
  const found = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text);
  const port = Number(found?.[2] ?? GROUP.port);
  if (found === null || !isIPv4(found[1]!) || port < 1 || port > 65_535) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `${what} must be an IPv4 address such as 192.168.1.20, got ${JSON.stringify(text.slice(0, 100))}`,
    );
  }
  return { address: found[1]!, port };
}

/**
 * Asks the network for ONVIF cameras. What is no answer is left out: anybody can send anything.
 * @throws VedetteError CAMERA_SOURCE_FAILED when nothing can be sent at all
 */
export async function discoverOnvif(options: DiscoveryOptions): Promise<FoundCamera[]> {
  const found = new Map<string, FoundCamera>();
  const target = options.target ?? GROUP;
  const ways = options.target === undefined ? ownAddresses() : [undefined];
  const failures = await Promise.all(
    ways.map((from) => ask(from, target, options.durationMs, found)),
  );
  const [failure] = failures;
  if (failure !== undefined && failures.every((one) => one !== undefined)) {
    throw new VedetteError(
      'CAMERA_SOURCE_FAILED',
      `cameras cannot be looked for at ${target.address}:${target.port}: ${plainCode(failure)}`,
      { cause: failure },
    );
  }
  return [...found.values()].toSorted((a, b) =>
    a.address.localeCompare(b.address, 'en', { numeric: true }),
  );
}

/** One for each network that this machine is in; a group is asked out of one at a time. */
function ownAddresses(): (string | undefined)[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  return outside.length === 0 ? [undefined] : outside.map(({ address }) => address);
}

function ask(
  from: string | undefined,
  target: { readonly address: string; readonly port: number },
  durationMs: number,
  found: Map<string, FoundCamera>,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const id = randomUUID();
    const message = Buffer.from(probeMessage(id));
    const timers: NodeJS.Timeout[] = [];
    let wasSent = false;
    let refusal: Error | undefined;
    const end = (failure?: Error) => {
      for (const timer of timers) clearTimeout(timer);
      socket.close();
      resolve(failure);
    };
    // Without a callback nobody hears that there is no way to the network.
    const sent = (error: Error | null) => {
      if (error === null) wasSent = true;
      else refusal = error;
    };
    socket.once('error', end);
    socket.on('message', (data, { address }) => {
      for (const camera of camerasIn(data, address, id)) {
        if (found.size < MAX_CAMERAS) found.set(camera.service, camera);
      }
    });
    socket.bind({ port: 0, ...(from === undefined ? {} : { address: from }) }, () => {
      for (let index = 0; index < SENDS; index += 1) {
        const send = () => socket.send(message, target.port, target.address, sent);
        timers.push(setTimeout(send, (index * durationMs) / (2 * SENDS)));
      }
      timers.push(setTimeout(() => end(wasSent ? undefined : refusal), durationMs));
    });
  });
}

const probeMessage = (id: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header><w:MessageID>uuid:${id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header><e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>`;

/** The cameras that a datagram tells of; none when it is no answer to the question `id`. */
export function camerasIn(data: Uint8Array, address: string, id: string): FoundCamera[] {
  if (data.byteLength > MAX_XML_LENGTH) return [];
  try {
    const root = readXml(Buffer.from(data).toString('utf8'));
    if (textAt(root, 'Header', 'RelatesTo')?.includes(id) !== true) return [];
    return allNamed(root, 'ProbeMatch').flatMap((match) => {
      const service = (textAt(match, 'XAddrs') ?? '')
        .split(/\s+/)
        .map((one) => atHost(one, address))
        .find((one) => one !== undefined);
      if (service === undefined) return [];
      const scopes = (textAt(match, 'Scopes') ?? '').split(/\s+/);
      const name = scopeOf(scopes, 'name');
      const hardware = scopeOf(scopes, 'hardware');
      return [
        {
          ...{ address, service },
          ...(name === undefined ? {} : { name }),
          ...(hardware === undefined ? {} : { hardware }),
        },
      ];
    });
  } catch (error) {
    if (error instanceof VedetteError) return [];
    throw error;
  }
}

/**
 * The address with the host that really answered: cameras tell the address that they had at the
 * factory, and nobody shall send us to another machine.
 */
export function atHost(address: string, host: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  url.hostname = host;
  url.username = '';
  url.password = '';
  return url.href;
}

function scopeOf(scopes: readonly string[], kind: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const value = scopes.find((scope) => scope.startsWith(prefix))?.slice(prefix.length, 200);
  if (value === undefined || value === '') return undefined;
  try {
    return printable(decodeURIComponent(value));
  } catch {
    return printable(value);
  }
}

/** Terminals obey control characters. */
const printable = (text: string) => text.replaceAll(/\p{C}/gu, '?');
