import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { VedetteError } from '../contract/errors.ts';
import { shownAddress } from '../contract/shown-address.ts';
import { HttpLogin } from './http-login.ts';

export interface HttpAddress {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Until an answer has begun, in milliseconds. */
  readonly timeoutMs: number;
}

const MAX_HEADER_BYTES = 16_384;

/** What the codes of the system and of TLS mean to who stands before the camera. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; check the port and whether the camera has started',
  ECONNRESET: 'the camera closed the connection',
  EHOSTUNREACH: 'the camera cannot be reached; check its cable, power and address',
  ENETUNREACH: 'there is no way to that network; check the network settings of this machine',
  ENOTFOUND: 'there is no such host name; check its spelling and the name server',
  EAI_AGAIN: 'the name server does not answer; check the network settings of this machine',
  ETIMEDOUT: 'the camera does not answer; check its cable, power and address',
  EPROTO: 'it does not speak TLS; try http:// in place of https://',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by nobody known; give its file to Node in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is signed by nobody known; give its file to Node in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired; check the clocks of both sides',
};

/** Gets from one address, over one connection that is kept, and logs in as the server asks. */
export class HttpConnection {
  /** For messages. */
  readonly shownUrl: string;
  readonly #address: HttpAddress;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  readonly #login: HttpLogin | undefined;

  constructor(address: HttpAddress) {
    const { username, password, url } = address;
    this.#address = address;
    this.#url = new URL(url);
    this.shownUrl = shownAddress(url);
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent =
      this.#url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    this.#login =
      username === undefined && password === undefined
        ? undefined
        : new HttpLogin({ username: username ?? '', password: password ?? '' });
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

  failed(reason: string, cause?: unknown): VedetteError {
    return new VedetteError('CAMERA_SOURCE_FAILED', `${this.shownUrl}: ${reason}`, { cause });
  }

  /** What a broken connection threw, in words. */
  broken(error: unknown): VedetteError {
    if (error instanceof VedetteError) return error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const sentence = SENTENCES[code];
    return this.failed(sentence === undefined ? message : `${sentence} (${code})`, error);
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
      const timer = setTimeout(
        () => request.destroy(this.failed(`no answer came for ${timeoutMs} ms (timeoutMs)`)),
        timeoutMs,
      );
      request.once('response', (response) => {
        clearTimeout(timer);
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
