import type { SecretReference } from '../contract/config-values.ts';
import { VedetteError } from '../contract/errors.ts';

const MIN_CHARACTERS = 16;

/**
 * The token of `server.token`.
 * @throws VedetteError SECRET_UNAVAILABLE, CONFIG_INVALID when it could be guessed or not be sent
 */
export async function readServerToken(
  reference: SecretReference,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<string> {
  const token = await readSecret(reference);
  const place = 'file' in reference ? reference.file : `the environment variable ${reference.env}`;
  if (token.length < MIN_CHARACTERS) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `server.token: ${place} holds ${token.length} characters; at least ${MIN_CHARACTERS} are ` +
        'needed, such as `openssl rand -hex 16` prints',
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `server.token: ${place} holds characters that a header cannot carry; expected letters, ` +
        'digits and signs of ASCII without spaces, such as `openssl rand -hex 16` prints',
    );
  }
  return token;
}
