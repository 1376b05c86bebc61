/**
 * Child process that holds one GenICam camera and writes its pictures to a pipe: a library that reads
 * what a camera says of itself, and a camera that does not answer, have no part in the runtime. What
 * happens is told as a line of JSON each; the order comes on its standard input.
 */
import { readFileSync, writeSync } from 'node:fs';
import { runGenicam, type GenicamOutput, type GenicamSettings } from '../../native/index.ts';
import { VedetteError, type ErrorCode } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';

export interface GenicamOrder {
  readonly settings: GenicamSettings;
  /** Absent: the camera is set, and its size is told. */
  readonly output?: GenicamOutput;
  /** Descriptor for the lines. */
  readonly newsFd: number;
}

export type GenicamNews =
  | ({ readonly kind: 'size' } & Size)
  | { readonly kind: 'open' }
  /** A picture came with packets missing. */
  | { readonly kind: 'incomplete'; readonly status: number }
  /** Pictures came while every buffer was full. */
  | { readonly kind: 'overrun'; readonly pictures: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

const { settings, output, newsFd } = JSON.parse(readFileSync(0, 'utf8')) as GenicamOrder;
const tell = (news: GenicamNews) => writeSync(newsFd, `${JSON.stringify(news)}\n`);

try {
  const size = runGenicam(settings, output, (kind, number) => {
    switch (kind) {
      case 'open':
        return tell({ kind });
      case 'incomplete':
        return tell({ kind, status: number });
      case 'overrun':
        return tell({ kind, pictures: number });
    }
  });
  tell({ kind: 'size', ...size });
} catch (thrown) {
  const { code, message } = VedetteError.from(thrown);
  tell({ kind: 'failed', code, message });
  process.exitCode = 1;
}
