import { shownText } from '../contract/shown-address.ts';

const MAX_LINES = 40;
const MAX_LINE_LENGTH = 400;

/** What the program of a source said last, without credentials. */
export class ProcessMessages {
  readonly #secrets: readonly string[];
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];
  #partial = '';

  /**
   * `secrets` are taken out of every line, as they are and percent-encoded; `onLine` gets each line after that.
   */
  constructor(secrets: readonly string[], onLine?: (line: string) => void) {
    this.#onLine = onLine;
    this.#secrets = secrets
      .filter((secret) => secret !== '')
      .flatMap((secret) => [secret, encodeURIComponent(secret), encodeURI(secret)])
      .sort((a, b) => b.length - a.length);
  }

  /** Takes the next piece of text, which may end anywhere. */
  add(text: string): void {
    const lines = (this.#partial + text).split(/[\r\n]+/);
    const partial = lines.pop() ?? '';
    // A line without end is dropped whole: cut, it might show a part of a secret.
    this.#partial = partial.length > 64 * MAX_LINE_LENGTH ? '' : partial;
    for (const line of lines) this.#addLine(line);
  }

  end(): void {
    this.#addLine(this.#partial);
    this.#partial = '';
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The last two different lines: what a program says when it gives up is at the end. */
  get reason(): string {
    const distinct = [...new Set(this.#lines.toReversed())].slice(0, 2).reverse();
    return distinct.length === 0 ? 'the program said nothing' : distinct.join('; ');
  }

  #addLine(line: string): void {
    const text = this.#clean(line).trim();
    if (text === '') return;
    this.#lines.push(text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    this.#onLine?.(this.#lines.at(-1)!);
  }

  #clean(line: string): string {
    let text = line;
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***');
    return (
      shownText(text)
        // `[rtsp @ 0x55d0c8]`: the address only makes equal lines differ.
        .replaceAll(/ @ 0x[0-9a-f]+\]/g, ']')
    );
  }
}
