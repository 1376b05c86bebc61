import { VedetteError, type ErrorCode } from '../component/contract/errors.ts';

/** @throws VedetteError with `code` about an argument that is not what is expected */
export function refuse(code: ErrorCode, name: string, expected: string, got: unknown): never {
  const shown = typeof got === 'string' ? JSON.stringify(got) : String(got);
  throw new VedetteError(code, `${name}: expected ${expected}, got ${shown.slice(0, 100)}`);
}
