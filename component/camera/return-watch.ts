import { connect, type Socket } from 'node:net';
import { secretsOfAddress } from '../contract/shown-address.ts';
import { NameLookups } from './name-lookups.ts';
import { pause } from './pause.ts';
import type { SourceLogin } from './source-login.ts';

/** Where a source can be asked for cheaply. */
export interface SourceAddress {
  readonly host: string;
  readonly port: number;
  /** The whole question, without credentials; only a connection is asked for when absent. */
  readonly question?: string;
}

const PROBE_INTERVAL_MS = 500;
/** Also before the next run: what answers questions and fails at once is no reason to hurry. */
const SHORTEST_PAUSE_MS = 100;
const PROBE_TIMEOUT_MS = 1500;
/** A stream may have to be made first, and a wrong login is let wait. */
const LOGIN_TIMEOUT_MS = 10_000;
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

const CLOSE = 'connection: close';
const BEGINNINGS = ['RTSP/', 'HTTP/'];

/** RFC 2326, 10.2, and RFC 9110. What is encrypted is asked for a connection only. */
const QUESTIONS: Readonly<Record<string, (url: URL) => string>> = {
  'rtsp:': ({ href }) => `DESCRIBE ${href} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n`,
  'http:': ({ host, pathname, search }) =>
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}\r\n\r\n`,
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
  // A question with a login in its address would be a try to log in.
  const holdsLogin = secretsOfAddress(url).length > 0;
  const question = holdsLogin ? undefined : QUESTIONS[parsed.protocol]?.(parsed);
  return { host, port, ...(question === undefined ? {} : { question }) };
}

/**
 * What a source says for now: `unreachable` (no connection within 1.5 s), `closed` (it does not take the
 * connection, or ends it), `silent` (no answer to the question within 1.5 s), `garbled` (what came is no
 * answer), `open`, the status of its answer, such as `200`, or `refused`, when it does not take the login
 * that it asked for and was given. Never rejects.
 */
export async function askSource(
  address: SourceAddress,
  signal: AbortSignal,
  login?: SourceLogin,
): Promise<string> {
  const asked = await exchange(address, signal, login);
  if (asked.answer === undefined) return asked.said;
  const { said } =
    asked.isSent === true
      ? asked
      : await exchange({ ...address, question: asked.answer }, signal, undefined, LOGIN_TIMEOUT_MS);
  if (signal.aborted) return said;
  // Some answer to a wrong login by hanging up, or let it wait.
  const isRefused = ['401', '403', 'closed', 'silent', 'unreachable'].includes(said);
  if (isRefused) login?.refused();
  return isRefused ? 'refused' : said;
}

interface Exchange {
  readonly said: string;
  /** The question with the login that is asked for. */
  readonly answer?: string;
  /** Whether that was put already, as the connection is kept: then `said` is what came of it. */
  readonly isSent?: boolean;
}

/** Puts the question over one connection, and once more with the login that is asked for. */
function exchange(
  { host, port, question }: SourceAddress,
  signal: AbortSignal,
  login?: SourceLogin,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host, port, lookup: names.lookup });
    let heard = '';
    let answer: string | undefined;
    let isSent = false;
    let timer = setTimeout(() => {
      if (socket.connecting) settle('unreachable');
      else settle(heard === '' ? 'silent' : 'open');
    }, timeoutMs);
    const settle = (said: string) => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      socket.destroy();
      resolve({ said, ...(answer === undefined ? {} : { answer, isSent }) });
    };
    const onAbort = () => settle('silent');
    if (signal.aborted) return settle('silent');
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => settle('closed'));
    socket.on('close', () => settle('closed'));
    socket.on('connect', () => {
      if (question === undefined) return settle('open');
      socket.write(question, 'latin1');
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
      const status = /^(?:RTSP|HTTP)\/1\.\d (\d{3})/.exec(heard)?.[1];
      const isTooLong = heard.length > MAX_ANSWER_BYTES;
      if (!BEGINNINGS.some((one) => one.startsWith(heard.slice(0, one.length)))) {
        return settle('garbled');
      }
      if (status === undefined) return isTooLong ? settle('open') : undefined;
      if (status !== '401' || login === undefined || answer !== undefined || isTooLong) {
        return settle(status);
      }
      const head = /^.*?\r\n\r\n/s.exec(heard)?.[0];
      if (head === undefined) return;
      const isKept = ![question!, head].some((told) => told.toLowerCase().includes(CLOSE));
      const end = head.length + Number(/\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1] ?? 0);
      if (isKept && heard.length < end) return;
      answer = login.answer(question!, challengesOf(head));
      if (answer === undefined || !isKept) return settle(status);
      isSent = true;
      heard = heard.slice(end);
      clearTimeout(timer);
      timer = setTimeout(() => settle('silent'), LOGIN_TIMEOUT_MS);
      socket.write(answer, 'latin1');
    });
  });
}

const challengesOf = (head: string): string[] =>
  [...head.matchAll(/\r\nwww-authenticate:([^\r\n]*)/gi)].map(([, challenge]) => challenge!.trim());

/** Answers by which a stream is there: without one a login is asked for only of what exists. */
const isThere = (said: string) => said === '200' || said === '401' || said === 'open';

/**
 * Resolves when a source that is away, or has no such stream for now, is there again: asked twice a
 * second, with the login where it asks for one. What answers well from the start fails for another reason,
 * which no question tells the end of, unless it is known that it `wasAway`: then it resolves only with
 * `signal`, as it does for what is no address and for what refuses the login.
 */
export async function untilBack(
  url: string,
  signal: AbortSignal,
  wasAway: boolean,
  login?: SourceLogin,
): Promise<void> {
  const address = sourceAddress(url);
  let isAway = wasAway;
  while (address !== undefined && !signal.aborted) {
    const startedMs = performance.now();
    const said = await askSource(address, signal, login);
    if (said === 'refused') break;
    const isBack = isThere(said);
    if (isBack && !isAway) break;
    isAway = true;
    const restMs = isBack ? 0 : PROBE_INTERVAL_MS - (performance.now() - startedMs);
    await pause(Math.max(restMs, SHORTEST_PAUSE_MS), signal);
    if (isBack) return;
  }
  await pause(FOR_EVER_MS, signal);
}

/**
 * What the source at a URL says, as `askSource` does without a login, when it is asked for a `connection`
 * alone or with the `question` behind it. `undefined` when nothing is there to connect to.
 */
export async function saidBy(
  url: string,
  asked: 'connection' | 'question',
  signal: AbortSignal,
): Promise<string | undefined> {
  const address = sourceAddress(url);
  if (address === undefined) return undefined;
  const { host, port } = address;
  return askSource(asked === 'question' ? address : { host, port }, signal);
}
