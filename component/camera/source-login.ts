import { HttpLogin, type HttpCredentials } from './http-login.ts';

/**
 * The login by which a source that failed is asked whether it is there again. One that was refused is not
 * used again: cameras lock an account after a few wrong ones.
 */
export class SourceLogin {
  #credentials: HttpCredentials | undefined;
  #isRefused = false;

  /** What the source is opened with. Another one than before may be tried anew. */
  use(credentials: HttpCredentials | undefined): void {
    const isSame =
      credentials?.username === this.#credentials?.username &&
      credentials?.password === this.#credentials?.password;
    if (!isSame) this.#isRefused = false;
    this.#credentials = credentials;
  }

  refused(): void {
    this.#isRefused = true;
  }

  /**
   * The question with what these `WWW-Authenticate` headers ask for. `undefined` when there is no login
   * to try, or they ask for another kind of it.
   */
  answer(question: string, challenges: readonly string[]): string | undefined {
    if (this.#credentials === undefined || this.#isRefused) return undefined;
    const login = new HttpLogin(this.#credentials);
    if (!login.accept(challenges)) return undefined;
    const [method = '', uri = ''] = question.split(' ', 2);
    const header = `Authorization: ${login.authorization(method, uri)}\r\n\r\n`;
    return question.replace(/\r\n\r\n$/, () => `\r\n${header}`).replace('CSeq: 1', 'CSeq: 2');
  }
}
