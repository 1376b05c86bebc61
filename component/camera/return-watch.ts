import { connect, type Socket } from 'node:net';
import { NameLookups } from './name-lookups.ts';
import { pause } from './pause.ts';

/** Where a source can be asked for cheaply, without its login. */
export interface SourceAddress {
  readonly host: string;
  readonly port: number;
  /** The whole question, without credentials; only a connection is asked for when absent. */
  readonly question?: string;
}

const PROBE_INTERVAL_MS = 500;
const PROBE_TIMEOUT_MS = 1500;
/** The longest that a timer takes. */
const FOR_EVER_MS = 2 ** 31 - 1;
/** Of an answer only its first line is looked at. */
const MAX_ANSWER_BYTES = 4096;
const PORTS: Readonly<Record<string, number>> = {
  'rtsp:': 554,
  'rtsps:': 322,
  'http:': 80,
  'https:': 443,
};

const names = new NameLookups();

/** RFC 2326, 10.2, and RFC 9110. What is encrypted is asked for a connection only. */
const QUESTIONS: Readonly<Record<string, (url: URL) => string>> = {
  'rtsp:': ({ href }) => `DESCRIBE ${href} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n`,
  'http:': ({ host, pathname }) =>
    `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
};

/** The address behind a URL of a stream. @returns undefined when nothing is there to connect to */
export function sourceAddress(url: string): SourceAddress | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const defaultPort = PORTS[parsed?.protocol ?? ''];
  if (parsed === undefined || defaultPort === undefined || parsed.hostname === '') return undefined;
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? defaultPort : Number(parsed.port);
  parsed.username = '';
  parsed.password = '';
  // A login may stand in the query; a question that holds it would be a try to log in.
  const question = parsed.search === '' ? QUESTIONS[parsed.protocol]?.(parsed) : undefined;
  return { host, port, ...(question === undefined ? {} : { question }) };
}

/**
 * What a source says for now: `silent` (nothing came within 1.5 s), `closed` (no connection),
 * `open`, or the status of its answer to the question, such as `200`. No login is sent, so that no account is ever locked by it. Never rejects.
 */
export function askSource(address: SourceAddress, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const { host, port, question } = address;
    const socket: Socket = connect({ host, port, lookup: names.lookup });
    let answer = '';
    const settle = (said: string) => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      socket.destroy();
      resolve(said);
    };
    const onAbort = () => settle('silent');
    const timer = setTimeout(() => settle(answer === '' ? 'silent' : 'open'), PROBE_TIMEOUT_MS);
    if (signal.aborted) return settle('silent');
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => settle('closed'));
    socket.on('close', () => settle('closed'));
    socket.on('connect', () => {
      if (question === undefined) return settle('open');
      socket.write(question);
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
      const status = /^(?:RTSP|HTTP)\/1\.\d (\d{3})/.exec(answer)?.[1];
      if (status !== undefined) settle(status);
      else if (answer.length > MAX_ANSWER_BYTES) settle('open');
    });
  });
}

/** Answers by which a stream is there: a login is asked for only of what exists. */
const isThere = (said: string) => said === '200' || said === '401' || said === 'open';

/**
 * Resolves when a source that is away, or has no such stream for now, is there again: asked twice a
 * second, without a login. What answers well from the start fails for another reason, which no
 * question tells the end of, unless it is known that it `wasAway`: then it resolves only with
 * `signal`, as it does for what is no address.
 */
export async function untilBack(url: string, signal: AbortSignal, wasAway: boolean): Promise<void> {
  const address = sourceAddress(url);
  let isAway = wasAway;
  while (address !== undefined && !signal.aborted) {
    const startedMs = performance.now();
    const said = await askSource(address, signal);
    if (!isThere(said)) isAway = true;
    else if (isAway) return;
    else break;
    const restMs = PROBE_INTERVAL_MS - (performance.now() - startedMs);
    await pause(Math.max(restMs, PROBE_INTERVAL_MS / 5), signal);
  }
  await pause(FOR_EVER_MS, signal);
}

/**
 * Whether nothing at all answers at an address, not even by refusing: asked for a `connection` alone, or
 * with the `question` behind it, which a source may take and never answer.
 */
export async function isSilent(
  url: string,
  asked: 'connection' | 'question',
  signal: AbortSignal,
): Promise<boolean> {
  const address = sourceAddress(url);
  if (address === undefined) return false;
  const { host, port } = address;
  const said = await askSource(asked === 'question' ? address : { host, port }, signal);
  return said === 'silent';
}
