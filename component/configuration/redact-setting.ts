import { shownText } from '../contract/shown-address.ts';

/** Settings that hold a secret or say where one is. Only the latter is shown. */
const SECRET_SETTINGS = /(^|\.)(password|token|secret)$/i;
/** What is no whole address may hold parameters of one. */
const SECRET_PARAMETERS = /([?&/;](?:pass|passwd|password|pwd|token|secret|key)=)[^&;/\s"'\\]+/gi;

/**
 * A setting as it may be shown or stored: secrets that somebody wrote into it are replaced, at any
 * depth. `path` is dotted, such as `cameras.dock.source.url`.
 */
export function redactSetting(value: unknown, path: string): unknown {
  if (typeof value === 'string' || typeof value === 'number') {
    if (SECRET_SETTINGS.test(path)) return '[secret]';
    return typeof value === 'string' ? redactText(value) : value;
  }
  if (Array.isArray(value)) return value.map((one) => redactSetting(one, path));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, redactSetting(one, `${path}.${key}`)]),
  );
}

/** A text without the credentials of addresses in it. */
export const redactText = (text: string): string =>
  shownText(text).replace(SECRET_PARAMETERS, '$1***');
