import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { server as modbus } from 'jsmodbus';

const TABLE_BYTES = 1024;
/** Behind the header of 7 bytes. */
const FUNCTION_CODE_AT = 7;
const READ_COILS = 1;

/** A Modbus TCP device on loopback, by another implementation than ours. Addresses count from 0. */
export class ModbusDevice {
  readonly coils = Buffer.alloc(TABLE_BYTES);
  readonly holding = Buffer.alloc(TABLE_BYTES);
  /** Values that were written, in order. */
  readonly written: number[] = [];
  /** When each of them was written, in milliseconds since 1970. */
  readonly writtenAtMs: number[] = [];
  readonly #sockets = new Set<Socket>();
  #askedMs = 0;
  readonly #coilReadsMs = new Map<Socket, number>();
  #server: Server | undefined;
  port = 0;
  /** Connections are taken and nothing is answered. */
  isSilent = false;
  /** So many writes are done, and their connection ends before they are answered. */
  answersToLose = 0;

  static async start(): Promise<ModbusDevice> {
    const device = new ModbusDevice();
    await device.resume();
    return device;
  }

  /** When each of those who are connected read coils last, in milliseconds since 1970. */
  get coilReadsMs(): number[] {
    return [...this.#coilReadsMs.values()];
  }

  setCoil(address: number, isOn: boolean): void {
    const mask = 1 << (address & 7);
    const byte = this.coils.readUInt8(address >> 3);
    this.coils.writeUInt8(isOn ? byte | mask : byte & ~mask, address >> 3);
  }

  setRegister(address: number, value: number): void {
    this.holding.writeUInt16BE(value, address * 2);
  }

  /** Ends every connection and takes no more until `resume`. */
  async interrupt(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    this.#coilReadsMs.clear();
    server.close();
    await once(server, 'close');
  }

  async resume(): Promise<void> {
    const server = createServer();
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#coilReadsMs.delete(socket);
      });
    });
    if (this.isSilent) server.on('connection', (socket) => socket.resume());
    else this.#answer(server);
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.interrupt();
  }

  #answer(server: Server): void {
    server.on('connection', (socket) => {
      socket.on('data', (frame: Buffer) => {
        const isRead = frame[FUNCTION_CODE_AT] === READ_COILS && !socket.destroyed;
        if (isRead) this.#coilReadsMs.set(socket, Date.now());
      });
    });
    const tables = { coils: this.coils, discrete: this.coils, holding: this.holding };
    const device = new modbus.TCP(server, { ...tables, input: this.holding });
    // Before the answer goes out: who gets it must not have it earlier than it was written here.
    device.on('preWriteSingleCoil', () => (this.#askedMs = Date.now()));
    device.on('preWriteSingleRegister', () => {
      this.#askedMs = Date.now();
      this.#loseAnswer();
    });
    device.on('postWriteSingleCoil', (request) => this.#note(request));
    device.on('postWriteSingleRegister', (request) => this.#note(request));
  }

  #loseAnswer(): void {
    if (this.answersToLose === 0) return;
    this.answersToLose -= 1;
    for (const socket of this.#sockets) socket.destroy();
  }

  #note(request: { readonly body: unknown }): void {
    const { value } = request.body as { readonly value: boolean | number };
    this.written.push(value === true || value === 0xff00 ? 1 : Number(value));
    this.writtenAtMs.push(this.#askedMs);
  }
}
