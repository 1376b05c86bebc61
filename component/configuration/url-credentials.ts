/**
 * Whether an address holds a user name or password, also in the forms that are no valid URL: with a
 * `/`, `?`, `#` or `@` in the password as it is. An `@` in the path of a valid address is none.
 */
export function hasCredentials(url: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return false;
  if (!URL.canParse(url)) return url.includes('@');
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}
