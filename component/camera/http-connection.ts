import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { VedetteError } from '../contract/errors.ts';
import { shownAddress } from '../contract/shown-address.ts';
import { HttpLogin, type HttpCredentials } from './http-login.ts';
import { plainCode, plainReason } from './plain-reason.ts';
import { saidBy } from './return-watch.ts';

export interface HttpAddress {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Until an answer has begun, in milliseconds. */
  readonly timeoutMs: number;
}

const MAX_HEADER_BYTES = 16_384;

/** Gets from one address, over one connection that is kept, and logs in as the server asks. */
export class HttpConnection {
  /** For messages. */
  readonly shownUrl: string;
  /** Whether the last question had no answer in time. */
  isSilent = false;
  /** Whether the last question had no answer, or one by which there are no pictures for now. */
  isAway = false;
  readonly #address: HttpAddress;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  /** What it logs in with, where the server asks for it. */
  readonly credentials: HttpCredentials | undefined;
  readonly #login: HttpLogin | undefined;

  constructor(address: HttpAddress) {
    const { username, password, url } = address;
    this.#address = address;
    this.#url = new URL(url);
    this.shownUrl = shownAddress(url);
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent =
      this.#url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    this.credentials =
      username === undefined && password === undefined
        ? undefined
        : { username: username ?? '', password: password ?? '' };
    this.#login = this.credentials && new HttpLogin(this.credentials);
  }

  /**
   * The answer, of status 200 or 304, with its body unread.
   * @throws VedetteError CAMERA_SOURCE_FAILED, CAMERA_LOGIN_REFUSED
   */
  async get(
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    let response = await this.#send(headers, signal);
    if (response.statusCode === 401) {
      response.resume();
      if (!this.#login?.accept(response.headersDistinct['www-authenticate'] ?? [])) {
        throw this.#refused(
          this.#login === undefined
            ? 'it asks for a user name and a password; set username and password'
            : 'it asks for a login other than Basic and Digest',
        );
      }
      response = await this.#send(headers, signal);
    }
    const { statusCode, statusMessage = '' } = response;
    if (statusCode === 200 || statusCode === 304) return response;
    response.destroy();
    if (statusCode === 401 || statusCode === 403) {
      throw this.#refused(`it refuses the user name or the password (${statusCode})`);
    }
    const { location } = response.headers;
    const to = location === undefined ? '' : ` to ${shownAddress(location)}; give that address`;
    throw this.failed(`it answered ${statusCode} ${statusMessage}${to}`.trim());
  }

  /**
   * Of a camera that was silent, before it is asked for pictures: such a question, put while it is silent,
   * may stay without an answer when it is back.
   * @throws VedetteError CAMERA_SOURCE_FAILED when it cannot be reached, or takes questions and answers none
   */
  async requireAnswer(signal: AbortSignal): Promise<void> {
    const said = await saidBy(this.#address.url, 'question', signal);
    if (signal.aborted) return;
    if (said === 'silent') throw this.failed('it takes the question and answers nothing');
    if (said === 'unreachable') throw this.failed(plainReason('Connection timed out'));
  }

  failed(reason: string, cause?: unknown): VedetteError {
    return new VedetteError('CAMERA_SOURCE_FAILED', `${this.shownUrl}: ${reason}`, { cause });
  }

  /** What a broken connection threw, in words. */
  broken(error: unknown): VedetteError {
    if (error instanceof VedetteError) return error;
    return this.failed(plainCode(error as NodeJS.ErrnoException), error);
  }

  close(): void {
    this.#agent.destroy();
  }

  #refused(reason: string): VedetteError {
    return new VedetteError('CAMERA_LOGIN_REFUSED', `${this.shownUrl}: ${reason}`);
  }

  #send(headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const send = this.#url.protocol === 'https:' ? requestHttps : requestHttp;
    const { timeoutMs } = this.#address;
    const uri = `${this.#url.pathname}${this.#url.search}`;
    const authorization = this.#login?.authorization('GET', uri);
    this.isSilent = false;
    this.isAway = true;
    return new Promise((resolve, reject) => {
      const request = send({
        hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
        port: this.#url.port,
        path: uri,
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
        agent: this.#agent,
        maxHeaderSize: MAX_HEADER_BYTES,
        signal,
      });
      const timer = setTimeout(() => {
        this.isSilent = true;
        request.destroy(this.failed(`no answer came for ${timeoutMs} ms (timeoutMs)`));
      }, timeoutMs);
      request.once('response', (response) => {
        clearTimeout(timer);
        this.isAway = ![200, 304, 401, 403].includes(response.statusCode!);
        resolve(response);
      });
      request.once('error', (error) => {
        clearTimeout(timer);
        reject(this.broken(error));
      });
      request.end();
    });
  }
}
