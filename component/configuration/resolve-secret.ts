import { readFile } from 'node:fs/promises';
import type { SecretReference } from '../contract/config-values.ts';
import { VedetteError } from '../contract/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The secret that a reference points at, without surrounding white space.
 * @throws VedetteError SECRET_UNAVAILABLE naming the file or variable, never the value
 */
export async function resolveSecret(
  reference: SecretReference,
  environment: Environment,
): Promise<string> {
  if ('env' in reference) {
    const value = environment[reference.env]?.trim();
    if (!value) {
      throw new VedetteError(
        'SECRET_UNAVAILABLE',
        `The environment variable ${reference.env} is ${value === undefined ? 'not set' : 'empty'}`,
      );
    }
    return value;
  }
  let value: string;
  try {
    value = (await readFile(reference.file, 'utf8')).trim();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new VedetteError('SECRET_UNAVAILABLE', `Cannot read ${reference.file}: ${code}`, {
      cause,
    });
  }
  if (value === '') {
    throw new VedetteError('SECRET_UNAVAILABLE', `${reference.file} is empty`);
  }
  return value;
}
