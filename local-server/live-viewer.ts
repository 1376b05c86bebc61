import type { ServerResponse } from 'node:http';

const BOUNDARY = 'vedette-picture';
/**
 * What stands before each picture. It follows the picture before at once: Chromium shows a picture
 * only when it has read the head of the next, and would be one picture late for ever. Hence no part
 * has a Content-Length.
 */
const PART_HEAD = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n`;
/** A viewer that takes nothing for so long is gone, whatever its socket says. */
const STUCK_AFTER_MS = 30_000;

/**
 * One viewer of a live stream (multipart/x-mixed-replace). It is sent the newest picture when it
 * has taken the one before; what came in between is never kept.
 */
export class LiveViewer {
  readonly #response: ServerResponse;
  #newest: Uint8Array | undefined;
  #hasBegun = false;
  #isSending = false;
  #stuckTimer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onClose(listener: () => void): void {
    const end = () => {
      clearTimeout(this.#stuckTimer);
      this.#newest = undefined;
      listener();
    };
    if (this.#response.destroyed) end();
    else this.#response.once('close', end);
  }

  begin(headers: Readonly<Record<string, string>>): void {
    // A camera may be silent for hours; what is stuck while sending has a timer of its own.
    this.#response.socket?.setTimeout(0);
    this.#response.writeHead(200, {
      ...headers,
      'content-type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
    });
    this.#response.write(PART_HEAD);
    this.#hasBegun = true;
    this.#sendNewest();
  }

  show(jpeg: Uint8Array): void {
    this.#newest = jpeg;
    this.#sendNewest();
  }

  close(): void {
    this.#response.destroy();
  }

  #sendNewest(): void {
    const jpeg = this.#newest;
    if (jpeg === undefined || !this.#hasBegun || this.#isSending || this.#response.destroyed)
      return;
    this.#newest = undefined;
    this.#isSending = true;
    this.#stuckTimer = setTimeout(() => this.close(), STUCK_AFTER_MS);
    this.#response.cork();
    this.#response.write(jpeg);
    this.#response.write(`\r\n${PART_HEAD}`, () => {
      clearTimeout(this.#stuckTimer);
      this.#isSending = false;
      this.#sendNewest();
    });
    this.#response.uncork();
  }
}
