import { z } from 'zod';

/** Whether a path is relative, with `/`, and never leads out of where it begins. */
export const isInsidePath = (path: string): boolean =>
  path.length <= 255 &&
  !path.includes('\\') &&
  !path.includes('\0') &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

export const packagePath = z.string().refine(isInsidePath, 'a relative path inside the package');
