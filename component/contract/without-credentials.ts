/** A host name (RFC 1035) and what ends it. */
const PLAIN_HOST = /^[^/@:?#]*[/?#]/;
const LONGEST_HOST = 254;

/**
 * `rtsp://user:password@host/` → `rtsp://***@host/`, wherever it stands in a text. A password that
 * holds `/` or `@` as it is cannot be told from the address around it: all up to the last `@` goes,
 * unless the text before the first `/` is a plain host name.
 */
export function withoutCredentials(text: string): string {
  // Word by word: a search for the scheme in the whole text begins anew at every letter.
  return text.replaceAll(/[^\s"'\\]+/g, (word) => {
    const at = word.lastIndexOf('@');
    for (let i = word.indexOf('://'); i >= 0 && i + 3 <= at; i = word.indexOf('://', i + 3)) {
      const start = i + 3;
      if (i === 0 || PLAIN_HOST.test(word.slice(start, Math.min(at, start + LONGEST_HOST))))
        continue;
      return `${word.slice(0, start)}***${word.slice(at)}`;
    }
    return word;
  });
}
