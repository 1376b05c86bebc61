import { createServer, type Server, type Socket } from 'node:net';
import { decodeFrames, encodeFrame, MESSAGE, type Frame } from './frame-codec.ts';

export interface FrameServerOptions {
  readonly socketFile: string;
  /** A longer frame closes the connection. */
  readonly maxFrameBytes: number;
  /** The first frame of a connection; whether it is accepted. */
  readonly onConnect: (socket: Socket, frame: Frame) => boolean;
  readonly onFrame: (socket: Socket, frame: Frame) => void;
  readonly onClose: (socket: Socket) => void;
}

/** Eventstream frames over a Unix socket: connections, their first frame, pings. */
export class FrameServer {
  readonly #options: FrameServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: FrameServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<void> {
    const { socketFile } = this.#options;
    await new Promise<void>((resolve) => this.#server.listen(socketFile, resolve));
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    const { maxFrameBytes, onConnect, onFrame, onClose } = this.#options;
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      onClose(socket);
    });
    let waiting: Buffer = Buffer.alloc(0);
    let isConnected = false;
    socket.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      if (waiting.length >= 4 && waiting.readUInt32BE(0) > maxFrameBytes) {
        socket.destroy();
        return;
      }
      const { frames, rest } = decodeFrames(waiting);
      waiting = rest;
      for (const frame of frames) {
        if (!isConnected) isConnected = onConnect(socket, frame);
        else if (frame.type === MESSAGE.ping) {
          socket.write(encodeFrame({ ...frame, type: MESSAGE.pingResponse }));
        } else if (frame.type === MESSAGE.application) onFrame(socket, frame);
      }
    });
  }
}
