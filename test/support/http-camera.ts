import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PICTURES = ['00', '02', '04'].map((n) =>
  readFileSync(`samples/images/street/walkway-${n}.jpg`),
);
const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const REALM = 'a "camera"';

export interface HttpCameraOptions {
  readonly login?: 'basic' | 'digest-md5' | 'digest-sha256' | 'digest-without-qop';
  readonly username?: string;
  readonly password?: string;
  /** Between two pictures of its stream, in milliseconds. */
  readonly intervalMs?: number;
}

/**
 * What a network camera answers: a picture at /snapshot, another each time; a multipart stream at
 * /stream. What it does wrong is told by the fields.
 */
export class HttpCamera {
  /** /snapshot gives the same picture from now on. */
  isFrozen = false;
  /** Whether it tells an ETag and honours If-None-Match. */
  hasEtags = false;
  /** Takes the request and answers nothing, or leaves the stream open and sends nothing more. */
  isSilent = false;
  /** Its stream has a right boundary and right lengths, as few cameras have. */
  isExact = false;
  /** In place of pictures. */
  body: Uint8Array | undefined;
  contentType: string | undefined;
  status = 200;
  /** So many answers are 503 before the first picture. */
  unreadyAnswers = 0;
  requests = 0;
  refusals = 0;
  notModified = 0;
  /** Milliseconds since 1970 when each question for a snapshot came. */
  readonly askedAtMs: number[] = [];
  /** An answer waits for it. */
  answering: Promise<void> | undefined;
  readonly #options: HttpCameraOptions;
  readonly #server: Server;
  #pictures = 0;

  static async start(options: HttpCameraOptions = {}, port = 0): Promise<HttpCamera> {
    const camera = new HttpCamera(options);
    await new Promise<void>((resolve) => camera.#server.listen(port, '127.0.0.1', resolve));
    return camera;
  }

  private constructor(options: HttpCameraOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Ends every connection, as a switch that is pulled out for a moment. */
  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests += 1;
    if (this.isSilent) return;
    if (!this.#isAllowed(request)) {
      this.refusals += 1;
      response.writeHead(401, { 'www-authenticate': this.#challenges() }).end();
    } else if (this.status !== 200) {
      response.writeHead(this.status, { location: 'http://ann:word@elsewhere/' }).end('no');
    } else if (this.unreadyAnswers > 0) {
      this.unreadyAnswers -= 1;
      response.writeHead(503).end();
    } else if (request.url?.startsWith('/stream')) {
      this.#stream(response);
    } else {
      this.askedAtMs.push(Date.now());
      if (this.answering === undefined) this.#snapshot(request, response);
      else void this.answering.then(() => this.#snapshot(request, response));
    }
  }

  #snapshot(request: IncomingMessage, response: ServerResponse): void {
    if (!this.isFrozen) this.#pictures += 1;
    const etag = `"${this.#pictures}"`;
    if (this.hasEtags && request.headers['if-none-match'] === etag) {
      this.notModified += 1;
      response.writeHead(304, { etag }).end();
      return;
    }
    response.writeHead(200, {
      'content-type': this.contentType ?? 'image/jpeg',
      ...(this.hasEtags ? { etag } : {}),
    });
    response.end(this.body ?? PICTURES[this.#pictures % PICTURES.length]);
  }

  #stream(response: ServerResponse): void {
    const boundary = this.isExact ? 'frame' : '"--wrong boundary"';
    const type = this.contentType ?? `multipart/x-mixed-replace; boundary=${boundary}`;
    response.writeHead(200, { 'content-type': type });
    const timer = setInterval(() => {
      if (this.isSilent || response.writableNeedDrain) return;
      this.#pictures += 1;
      const picture = this.body ?? PICTURES[this.#pictures % PICTURES.length]!;
      const length = this.isExact ? picture.byteLength : 12;
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`);
      response.write(picture);
      response.write('\r\n');
    }, this.#options.intervalMs ?? 5);
    response.on('close', () => clearInterval(timer));
  }

  #challenges(): string[] {
    const realm = REALM.replaceAll('"', '\\"');
    switch (this.#options.login) {
      case 'digest-md5':
        return [
          `Basic realm="x"`,
          `Digest realm="${realm}", qop="auth,auth-int", nonce="${NONCE}"`,
        ];
      case 'digest-sha256':
        return [
          `Digest realm="${realm}", qop="auth", algorithm=SHA-256, nonce="${NONCE}", opaque="o"`,
        ];
      case 'digest-without-qop':
        return [`Digest realm="${realm}", nonce="${NONCE}"`];
      default:
        return [`Basic realm="${realm}", charset="UTF-8"`];
    }
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { login, username = '', password = '' } = this.#options;
    if (login === undefined) return true;
    const header = Buffer.from(request.headers.authorization ?? '', 'latin1').toString('utf8');
    if (login === 'basic') {
      return header === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    }
    const value = (name: string) =>
      new RegExp(`[ ,]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^ ,]+))`)
        .exec(header)
        ?.slice(1, 3)
        .join('');
    const hash = (text: string) =>
      createHash(login === 'digest-sha256' ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const secret = hash(`${username}:${REALM}:${password}`);
    const resource = hash(`GET:${request.url}`);
    const middle =
      login === 'digest-without-qop'
        ? NONCE
        : `${NONCE}:${value('nc')}:${value('cnonce')}:${value('qop')}`;
    return (
      header.startsWith('Digest ') && value('response') === hash(`${secret}:${middle}:${resource}`)
    );
  }
}
