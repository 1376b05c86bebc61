import { VedetteError } from '../contract/errors.ts';

/** The last row of a page; the next page begins right behind it, whatever was inserted meanwhile. */
export interface PagePosition {
  readonly capturedAtMs: number;
  readonly key: number;
}

export function encodeCursor(position: PagePosition): string {
  return Buffer.from(`${position.capturedAtMs}.${position.key}`).toString('base64url');
}

/** @throws VedetteError REQUEST_INVALID */
export function decodeCursor(cursor: string): PagePosition {
  const match = /^(-?\d{1,16})\.(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `cursor: expected the nextCursor of the page before, got ${JSON.stringify(cursor.slice(0, 100))}`,
    );
  }
  return { capturedAtMs: Number(match[1]), key: Number(match[2]) };
}

/** @throws VedetteError REQUEST_INVALID */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `limit: expected an integer of 1 to 1000, got ${limit}`,
  );
}
