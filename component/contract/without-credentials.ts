/**
 * `rtsp://user:password@host/` → `rtsp://***@host/`, wherever it stands in a text. A password that
 * holds `/` or `@` as it is cannot be told from the address around it: all up to the last `@` goes,
 * unless the text before the first `/` is a plain host name.
 */
export function withoutCredentials(text: string): string {
  return text.replace(
    /([a-z][a-z0-9+.-]*:\/\/)([^\s"'\\]*)@/gi,
    (whole, scheme: string, before: string) =>
      /^[^/@:?#]*[/?#]/.test(before) ? whole : `${scheme}***@`,
  );
}
