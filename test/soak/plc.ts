import { ModbusDevice } from '../support/modbus-device.ts';

/** Where its parts are announced: the coil rises when one lies under the camera, whose number is the register. */
export const PART_COIL = 3;
export const PART_REGISTER = 20;
/** Where the verdict is set, as `SORTER_VALUES` says. */
export const SORTER_REGISTER = 40;
export const SORTER_VALUES = { pass: 1, fail: 2, review: 3 } as const;

export interface WrittenValue {
  readonly atMs: number;
  readonly value: number;
}

/** The PLC of the line: it announces parts and is told of verdicts, and can be unplugged. */
export class Plc {
  readonly device: ModbusDevice;
  #loweredMs = -Infinity;

  static async start(): Promise<Plc> {
    return new Plc(await ModbusDevice.start());
  }

  private constructor(device: ModbusDevice) {
    this.device = device;
  }

  /** Somebody who is connected has read that the coil is off: the next edge is seen, unless something breaks. */
  get isWatched(): boolean {
    return this.device.coilReadsMs.some((atMs) => atMs > this.#loweredMs);
  }

  raise(part: number): void {
    this.device.setRegister(PART_REGISTER, part);
    this.device.setCoil(PART_COIL, true);
  }

  lower(): void {
    this.device.setCoil(PART_COIL, false);
    this.#loweredMs = Date.now();
  }

  get written(): readonly WrittenValue[] {
    const { written, writtenAtMs } = this.device;
    return written.map((value, index) => ({ value, atMs: writtenAtMs[index]! }));
  }

  /** Connections end and no other is taken, for so long. */
  async unplug(lasts: () => Promise<unknown>): Promise<void> {
    await this.device.interrupt();
    await lasts();
    await this.device.resume();
  }

  /** Connections are taken and nothing is answered, for so long. */
  async beSilent(lasts: () => Promise<unknown>): Promise<void> {
    await this.device.interrupt();
    this.device.isSilent = true;
    await this.device.resume();
    await lasts();
    await this.device.interrupt();
    this.device.isSilent = false;
    await this.device.resume();
  }
}
