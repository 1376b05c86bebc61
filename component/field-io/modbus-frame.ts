import { VedetteError } from '../contract/errors.ts';

/** Tables of a Modbus device: bits and 16-bit words that are read, and of two of them written. */
export const MODBUS_TABLES = [
  'coil',
  'discrete-input',
  'holding-register',
  'input-register',
] as const;
export type ModbusTable = (typeof MODBUS_TABLES)[number];

export type ModbusRequest =
  | {
      readonly kind: 'read';
      readonly table: ModbusTable;
      /** From 0, as on the wire: register 40001 of a manual is holding register 0. */
      readonly address: number;
      /** 1 to 125. */
      readonly count: number;
    }
  | {
      readonly kind: 'write';
      readonly table: 'coil' | 'holding-register';
      readonly address: number;
      /** 0 to 65535; a coil is on unless it is 0. */
      readonly value: number;
    };

/** 7 bytes of header and at most 253 of function and data (MODBUS Messaging on TCP/IP 1.0b, 3.1). */
export const MAX_FRAME_BYTES = 260;

/** MODBUS Application Protocol 1.1b3, 6.1 to 6.6. */
const READS = {
  coil: 1,
  'discrete-input': 2,
  'holding-register': 3,
  'input-register': 4,
} as const satisfies Record<ModbusTable, number>;
const WRITES = { coil: 5, 'holding-register': 6 } as const;
const COIL_ON = 0xff00;

/** The same, 7. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'it does not know this function',
  2: 'it has no such address',
  3: 'it does not take this value',
  4: 'it failed',
  5: 'it needs longer',
  6: 'it is busy',
  10: 'the gateway has no way to the device',
  11: 'the device behind the gateway does not answer',
};

const functionOf = (request: ModbusRequest): number =>
  request.kind === 'read' ? READS[request.table] : WRITES[request.table];

const wordOf = (request: ModbusRequest): number => {
  if (request.kind === 'read') return request.count;
  if (request.table === 'coil') return request.value === 0 ? 0 : COIL_ON;
  return request.value;
};

export function frameOf(request: ModbusRequest, transactionId: number, unitId: number): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeUInt16BE(transactionId, 0);
  frame.writeUInt16BE(6, 4);
  frame.writeUInt8(unitId, 6);
  frame.writeUInt8(functionOf(request), 7);
  frame.writeUInt16BE(request.address, 8);
  frame.writeUInt16BE(wordOf(request), 10);
  return frame;
}

/**
 * What a whole frame says to `request`, as `ModbusClient.ask`.
 * @throws VedetteError FIELD_DEVICE_REFUSED; FIELD_DEVICE_OFFLINE when it is no answer to it
 */
export function readAnswer(frame: Buffer, request: ModbusRequest): number[] {
  const code = functionOf(request);
  const given = frame.readUInt8(7);
  const what = `${request.kind} of ${request.table} ${request.address}`;
  if (given === (code | 0x80)) {
    const exception = frame.readUInt8(8);
    const why = EXCEPTIONS[exception] ?? 'it says no more';
    throw new VedetteError('FIELD_DEVICE_REFUSED', `${what}: exception ${exception}, ${why}`);
  }
  const values = given === code ? answered(frame, request) : undefined;
  if (values !== undefined) return values;
  throw new VedetteError('FIELD_DEVICE_OFFLINE', `${what}: it gave no answer to it`);
}

function answered(frame: Buffer, request: ModbusRequest): number[] | undefined {
  if (request.kind === 'write') {
    const isEcho =
      frame.length === 12 &&
      frame.readUInt16BE(8) === request.address &&
      frame.readUInt16BE(10) === wordOf(request);
    return isEcho ? [] : undefined;
  }
  const { table, count } = request;
  const isBits = table === 'coil' || table === 'discrete-input';
  const bytes = isBits ? Math.ceil(count / 8) : count * 2;
  if (frame.length !== 9 + bytes || frame.readUInt8(8) !== bytes) return undefined;
  return Array.from({ length: count }, (_, index) =>
    isBits
      ? (frame.readUInt8(9 + (index >> 3)) >> (index & 7)) & 1
      : frame.readUInt16BE(9 + 2 * index),
  );
}
