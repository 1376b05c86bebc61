import { randomBytes } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What the wire does to what the server sends: `clean` nothing; `corrupt` damages every third RTP packet of
 * video, whose framing stays; `garbage` sends random bytes in its place; `silent` takes
 * connections and answers nothing.
 */
export type WireFault = 'clean' | 'corrupt' | 'garbage' | 'silent';

/** RFC 2326, 10.12: `$`, channel, length. */
const INTERLEAVED_HEADER_BYTES = 4;
const DOLLAR = 0x24;
const RTP_HEADER_BYTES = 12;

/** A wire between a camera (over TCP) and an RTSP server, which can be cut and damaged. */
export class RtspWire {
  fault: WireFault = 'clean';
  damagedPackets = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #packets = 0;

  /** @param at where it can be reached; a free port unless given */
  static async to(port: number, at = 0): Promise<RtspWire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
    return new RtspWire(server, port);
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#carry(client, port));
  }

  url(mount: 'live' | 'clip'): string {
    return `rtsp://127.0.0.1:${this.port}/${mount}`;
  }

  /** Ends every connection at once; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #carry(client: Socket, port: number): void {
    const camera = connect({ host: '127.0.0.1', port });
    for (const [one, other] of [
      [client, camera],
      [camera, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (bytes: Buffer) => {
      if (this.fault !== 'silent') camera.write(bytes);
    });
    let rest: Buffer = Buffer.alloc(0);
    camera.on('data', (bytes: Buffer) => {
      rest = this.#pass(Buffer.concat([rest, bytes]), client);
    });
  }

  /** @returns the beginning of what has not come as a whole yet */
  #pass(bytes: Buffer, client: Socket): Buffer {
    if (this.fault === 'silent') return Buffer.alloc(0);
    if (this.fault === 'garbage') {
      client.write(randomBytes(bytes.length));
      return Buffer.alloc(0);
    }
    let at = 0;
    while (at < bytes.length) {
      if (bytes[at] !== DOLLAR) {
        // An answer, up to the next packet or the end of what came.
        const next = bytes.indexOf(DOLLAR, at);
        const end = next < 0 ? bytes.length : next;
        client.write(bytes.subarray(at, end));
        at = end;
        continue;
      }
      if (bytes.length - at < INTERLEAVED_HEADER_BYTES) break;
      const length = bytes.readUInt16BE(at + 2);
      const end = at + INTERLEAVED_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const packet = Buffer.from(bytes.subarray(at, end));
      const isVideo = packet[1]! % 2 === 0;
      if (this.fault === 'corrupt' && isVideo && this.#packets++ % 3 === 0) {
        damage(packet);
        this.damagedPackets += 1;
      }
      client.write(packet);
      at = end;
    }
    return Buffer.from(bytes.subarray(at));
  }
}

/** One byte in eight of the payload becomes another one. */
function damage(packet: Buffer): void {
  const from = INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + 2;
  for (let at = from; at < packet.length; at += 8) packet[at] = packet[at]! ^ 0xff;
}
