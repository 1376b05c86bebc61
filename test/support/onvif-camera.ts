import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OnvifCameraOptions {
  readonly username?: string;
  readonly password?: string;
  /** How far its clock is ahead, in milliseconds. */
  readonly clockAheadMs?: number;
  /** Of its stream, which it tells with a login and at the address of the factory. */
  readonly streamPort?: number;
}

/** Farther from its clock a call is taken for a repeated one. */
const MAX_AGE_MS = 60_000;

/** An ONVIF camera on the loopback: WS-Discovery over UDP, device and media service over HTTP. */
export class OnvifCamera {
  /** In place of an answer to a Probe. */
  discoveryAnswer: Buffer | undefined;
  /** In place of any answer over HTTP. */
  body: string | undefined;
  probes = 0;
  readonly #options: OnvifCameraOptions;
  readonly #server: Server;
  readonly #socket: Socket;

  static async start(options: OnvifCameraOptions = {}): Promise<OnvifCamera> {
    const camera = new OnvifCamera(options);
    await new Promise<void>((resolve) => camera.#server.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => camera.#socket.bind(0, '127.0.0.1', resolve));
    return camera;
  }

  private constructor(options: OnvifCameraOptions) {
    this.#options = options;
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (data, from) => {
      this.probes += 1;
      const answer = this.discoveryAnswer ?? Buffer.from(this.#probeMatches(data.toString()));
      this.#socket.send(answer, from.port, from.address);
    });
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const answer = this.body ?? this.#answer(body);
        const isRefused = answer.includes('NotAuthorized');
        response.writeHead(isRefused ? 400 : 200, { 'content-type': 'application/soap+xml' });
        response.end(answer);
      });
    });
  }

  get discoveryPort(): number {
    return this.#socket.address().port;
  }

  get service(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/onvif/device_service`;
  }

  async close(): Promise<void> {
    this.#socket.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #probeMatches(question: string): string {
    const id = /MessageID>([^<]*)</.exec(question)?.[1] ?? '';
    return `<?xml version="1.0"?><!-- a camera --><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"><SOAP-ENV:Header><wsa:RelatesTo>${id}</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Gate%20%26%20Dock onvif://www.onvif.org/hardware/V-1000</d:Scopes><d:XAddrs>ftp://192.168.0.90/ http://192.168.0.90:${this.#port}/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
  }

  #answer(question: string): string {
    if (question.includes('GetSystemDateAndTime')) {
      const now = new Date(this.#nowMs);
      return inEnvelope(
        `<tds:GetSystemDateAndTimeResponse><tt:UTCDateTime><tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:GetSystemDateAndTimeResponse>`,
      );
    }
    if (!this.#isAllowed(question)) {
      return inEnvelope(
        '<e:Fault><e:Code><e:Subcode><e:Value>ter:NotAuthorized</e:Value></e:Subcode></e:Code></e:Fault>',
      );
    }
    if (question.includes('GetCapabilities')) {
      return inEnvelope(
        `<tt:Media><tt:XAddr>http://192.168.0.90:${this.#port}/onvif/media</tt:XAddr></tt:Media>`,
      );
    }
    if (question.includes('GetProfiles')) return inEnvelope(PROFILES);
    const token = /ProfileToken>([^<]*)</.exec(question)?.[1];
    const port = this.#options.streamPort ?? 554;
    return inEnvelope(
      `<tt:Uri>rtsp://admin:factory@192.168.0.90:${port}/${token === 'main' ? 'live' : 'sub?a=1&amp;b=2'}</tt:Uri>`,
    );
  }

  get #nowMs(): number {
    return Date.now() + (this.#options.clockAheadMs ?? 0);
  }

  #isAllowed(question: string): boolean {
    const { username, password = '' } = this.#options;
    if (username === undefined) return true;
    const value = (name: string) =>
      new RegExp(`<${name}(?: [^>]*)?>([^<]*)<`).exec(question)?.[1] ?? '';
    const digest = createHash('sha1')
      .update(Buffer.from(value('o:Nonce'), 'base64'))
      .update(value('u:Created'))
      .update(password)
      .digest('base64');
    const ageMs = Math.abs(Date.parse(value('u:Created')) - this.#nowMs);
    return value('o:Username') === username && value('o:Password') === digest && ageMs < MAX_AGE_MS;
  }
}

const inEnvelope = (body: string) =>
  `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${body}</e:Body></e:Envelope>`;

const encoder = (encoding: string, width: number, height: number, rate: number) =>
  `<tt:VideoEncoderConfiguration><tt:Encoding>${encoding}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>${rate}</tt:FrameRateLimit></tt:RateControl></tt:VideoEncoderConfiguration>`;

const PROFILES = `<trt:Profiles token="main">${encoder('H264', 1920, 1080, 25)}</trt:Profiles><trt:Profiles token="sub" fixed='true'>${encoder('JPEG', 640, 360, 5)}</trt:Profiles>`;
