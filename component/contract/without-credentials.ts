/**
 * `rtsp://user:password@host/` → `rtsp://***@host/`, wherever it stands in a text. A password that
 * holds `/` or `@` as it is cannot be told from the address around it: all up to the last `@` goes,
 * unless the text before the first `/` is a plain host name.
 */
export function withoutCredentials(text: string): string {
  // Word by word, in one look at each: a search for the scheme begins anew at every letter.
  return text.replaceAll(/[^\s"'\\]+/g, (word) => {
    const scheme = word.indexOf('://');
    const at = word.lastIndexOf('@');
    if (scheme < 1 || at < scheme + 3) return word;
    const before = word.slice(scheme + 3, at);
    return /^[^/@:?#]*[/?#]/.test(before)
      ? word
      : `${word.slice(0, scheme + 3)}***${word.slice(at)}`;
  });
}
