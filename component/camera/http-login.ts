import { createHash, randomBytes } from 'node:crypto';

export interface HttpCredentials {
  readonly username: string;
  readonly password: string;
}

/** A `WWW-Authenticate` header: its scheme in lower case, its parameters by lower-case name. */
interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const HASHES: Readonly<Record<string, string>> = { md5: 'md5', 'sha-256': 'sha256' };
const PARAMETER = /([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi;
const MAX_CHALLENGE_LENGTH = 4096;

/** Header values are Latin-1 to Node; the field sends UTF-8. */
const headerText = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/**
 * Answers of a client that logs in: Basic (RFC 7617) and Digest with MD5 or SHA-256 and `auth` or
 * no `qop` (RFC 7616, RFC 2069). The password is given to nobody who did not ask, and not in the
 * clear to who offers Digest as well.
 */
export class HttpLogin {
  readonly #credentials: HttpCredentials;
  #challenge: Challenge | undefined;
  #uses = 0;

  constructor(credentials: HttpCredentials) {
    this.#credentials = credentials;
  }

  /** Takes what the server asks for. False when it is nothing that can be answered. */
  accept(headers: readonly string[]): boolean {
    const challenges = headers.map(parseChallenge);
    this.#challenge =
      challenges.find((one) => one.scheme === 'digest' && hashOf(one) !== undefined) ??
      challenges.find(({ scheme }) => scheme === 'basic');
    this.#uses = 0;
    return this.#challenge !== undefined;
  }

  /** The `Authorization` header of a request; `undefined` until the server has asked for one. */
  authorization(method: string, uri: string): string | undefined {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    const { username, password } = this.#credentials;
    if (challenge.scheme === 'basic') {
      return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
    }
    this.#uses += 1;
    return headerText(this.#digest(challenge, method, uri));
  }

  #digest(challenge: Challenge, method: string, uri: string): string {
    const { username, password } = this.#credentials;
    const given = (name: string) => challenge.parameters.get(name) ?? '';
    const hash = (text: string) =>
      createHash(hashOf(challenge)!).update(text, 'utf8').digest('hex');
    const client = randomBytes(16).toString('hex');
    const count = this.#uses.toString(16).padStart(8, '0');
    const hasQop = given('qop') !== '';
    const secret = hash(`${username}:${given('realm')}:${password}`);
    const middle = hasQop ? `${given('nonce')}:${count}:${client}:auth` : given('nonce');
    return `Digest ${[
      `username=${quoted(username)}`,
      `realm=${quoted(given('realm'))}`,
      `nonce=${quoted(given('nonce'))}`,
      `uri=${quoted(uri)}`,
      `response="${hash(`${secret}:${middle}:${hash(`${method}:${uri}`)}`)}"`,
      ...(given('algorithm') === '' ? [] : [`algorithm=${given('algorithm')}`]),
      ...(given('opaque') === '' ? [] : [`opaque=${quoted(given('opaque'))}`]),
      ...(hasQop ? ['qop=auth', `nc=${count}`, `cnonce="${client}"`] : []),
    ].join(', ')}`;
  }
}

/** `undefined` for a digest that is not spoken here: another hash, a session, the whole body. */
function hashOf({ parameters }: Challenge): string | undefined {
  const offered = parameters.get('qop')?.split(',') ?? ['auth'];
  const isAuth = offered.some((one) => one.trim().toLowerCase() === 'auth');
  return isAuth ? HASHES[(parameters.get('algorithm') ?? 'MD5').toLowerCase()] : undefined;
}

function parseChallenge(header: string): Challenge {
  const text = header.slice(0, MAX_CHALLENGE_LENGTH).trim();
  const scheme = /^[a-z0-9_-]+/i.exec(text)?.[0].toLowerCase() ?? '';
  const parameters = new Map<string, string>();
  for (const [, name, inQuotes, bare] of text.slice(scheme.length).matchAll(PARAMETER)) {
    parameters.set(name!.toLowerCase(), inQuotes?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return { scheme, parameters };
}
