import { withoutCredentials } from './without-credentials.ts';

/** Names of query parameters that cameras of many makes take a login in. */
const SECRET_NAME = /pass|pwd|^pw$|psw|token|secret|auth|key|user|usr|^u$|^p$|login|sid|sess/i;

/** Values in the query of an address that must not be shown, as they stand there and decoded. */
export function secretsOfQuery(url: string): string[] {
  const query = url.split('#', 1)[0]!.split('?').slice(1).join('?');
  return query.split('&').flatMap((pair) => {
    const at = pair.indexOf('=');
    const value = pair.slice(at + 1);
    if (at < 0 || value === '' || !SECRET_NAME.test(pair.slice(0, at))) return [];
    try {
      return [value, decodeURIComponent(value.replaceAll('+', ' '))];
    } catch {
      return [value];
    }
  });
}

/** The address as it may stand in a log or a message: without login, also in its query. */
export function shownAddress(url: string): string {
  const [address, ...rest] = url.split('?');
  if (rest.length === 0) return withoutCredentials(url);
  const query = rest
    .join('?')
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=');
      const isSecret = at >= 0 && SECRET_NAME.test(pair.slice(0, at));
      return isSecret ? `${pair.slice(0, at)}=***` : pair;
    });
  return withoutCredentials(`${address}?${query.join('&')}`);
}
