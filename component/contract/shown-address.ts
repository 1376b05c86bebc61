import { withoutCredentials } from './without-credentials.ts';

/** Names of parameters that cameras of many makes take a login in. */
const SECRET_NAME = /pass|pwd|^pw$|psw|token|secret|auth|key|user|usr|^u$|^p$|login|sid|sess/i;
/**
 * Parameters in the path of an address, where many recorders take them: `/user=ann&password=word&channel=1`
 * or `/user=ann_password=word_channel=1.sdp`. A value ends where the next begins.
 */
const PATH_PARAMETER = /([/&;_])([a-z][a-z0-9-]*)=((?:(?!_[a-z][a-z0-9-]*=)[^/&;?#])+)/gi;

/** Values in the query or path of an address that must not be shown, as they stand there and decoded. */
export function secretsOfAddress(url: string): string[] {
  const { path, query = '' } = partsOf(url.split('#', 1)[0]!);
  return [
    ...[...path.matchAll(PATH_PARAMETER)].flatMap(([, , name = '', value = '']) =>
      SECRET_NAME.test(name) ? decodedToo(value, value) : [],
    ),
    ...query.split('&').flatMap((pair) => {
      const at = pair.indexOf('=');
      const value = pair.slice(at + 1);
      if (at < 0 || value === '' || !SECRET_NAME.test(pair.slice(0, at))) return [];
      return decodedToo(value, value.replaceAll('+', ' '));
    }),
  ];
}

/** The address as it may stand in a log or a message: without login, also in its query or path. */
export function shownAddress(url: string): string {
  const { start, path, query } = partsOf(url);
  const shownPath = path.replaceAll(PATH_PARAMETER, (pair, before: string, name: string) =>
    SECRET_NAME.test(name) ? `${before}${name}=***` : pair,
  );
  const shownQuery = query?.split('&').map((pair) => {
    const at = pair.indexOf('=');
    const isSecret = at >= 0 && SECRET_NAME.test(pair.slice(0, at));
    return isSecret ? `${pair.slice(0, at)}=***` : pair;
  });
  const rest = shownQuery === undefined ? '' : `?${shownQuery.join('&')}`;
  return withoutCredentials(`${start}${shownPath}${rest}`);
}

/** A text with every address in it as it may be shown. */
export const shownText = (text: string): string =>
  withoutCredentials(text).replaceAll(/[^\s"'\\]+/g, (word) =>
    word.includes('://') ? shownAddress(word) : word,
  );

/** What is before the path of an address (all of what is none), its path, and its query where it has one. */
function partsOf(url: string): { start: string; path: string; query?: string } {
  const [address = '', ...rest] = url.split('?');
  const host = address.indexOf('://');
  const slash = host < 0 ? -1 : address.indexOf('/', host + 3);
  const at = slash < 0 ? address.length : slash;
  const parts = { start: address.slice(0, at), path: address.slice(at) };
  return rest.length === 0 ? parts : { ...parts, query: rest.join('?') };
}

function decodedToo(value: string, encoded: string): string[] {
  try {
    return [value, decodeURIComponent(encoded)];
  } catch {
    return [value];
  }
}
