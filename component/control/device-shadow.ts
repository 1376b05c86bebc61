import { randomUUID } from 'node:crypto';
import { SHADOW_NAME } from '../contract/device-health.ts';
import { VedetteError } from '../contract/errors.ts';
import type { IncomingMessage, MessageChannel, Subscription } from '../contract/message-channel.ts';
import type { Logger } from '../logging/create-logger.ts';
import { isTree, piecesOf, shadowChange, withChange, type ShadowTree } from './shadow-diff.ts';

/** An answer holds a piece again and a time for each of its values; nucleus lite takes in 4,950 bytes. */
const MAX_PIECE_BYTES = 900;
/** An answer that has not come by now never will. */
const ANSWER_TIMEOUT_MS = 8000;
const FIRST_RETRY_MS = 2000;
const BUSY_RETRY_MS = 500;
const LONGEST_RETRY_MS = 300_000;
/** What somebody else did to `reported` is mended so often. */
const RENEW_MS = 3_600_000;

export interface DeviceShadowOptions {
  readonly thing: string;
  readonly channel: MessageChannel;
  readonly logger: Logger;
  /** What is desired and other than reported. Versions count up; the same may come again. */
  readonly onDelta: (state: ShadowTree) => void;
  /** Names below sections that an earlier process reported: `{ cameras: { dock: '' } }`. */
  readonly earlier?: ShadowTree;
  readonly answerTimeoutMs?: number;
  readonly firstRetryMs?: number;
}

interface Awaited {
  readonly token: string;
  readonly settle: (answer: 'accepted' | VedetteError) => void;
}

/**
 * `reported` of the named shadow, over reserved topics: works through both nuclei without a shadow
 * component. Only what changed is sent, in pieces that are confirmed one by one, so that what AWS IoT
 * holds is known; the whole document is never asked for, because it may not fit into what comes in.
 */
export class DeviceShadow {
  readonly #options: DeviceShadowOptions;
  readonly #base: string;
  readonly #closing = new AbortController();
  #subscriptions: readonly Subscription[] = [];
  #unwatch: () => void = () => {};
  /** What AWS IoT has confirmed. */
  #confirmed: unknown;
  #confirmedSinceMs = performance.now();
  #timesForgotten = 0;
  #wanted: ShadowTree | undefined;
  #awaited: Awaited | undefined;
  #isSending = false;
  #retryMs: number;
  #retry: NodeJS.Timeout | undefined;
  #lastVersion = 0;

  constructor(options: DeviceShadowOptions) {
    this.#options = options;
    this.#confirmed = options.earlier ?? {};
    this.#base = `$aws/things/${options.thing}/shadow/name/${SHADOW_NAME}`;
    this.#retryMs = options.firstRetryMs ?? FIRST_RETRY_MS;
  }

  async open(): Promise<void> {
    const { channel, logger } = this.#options;
    const hear: [string, (document: ShadowTree) => void][] = [
      ['update/accepted', (document) => this.#answered(document, 'accepted')],
      ['update/rejected', (document) => this.#answered(document, rejection(document))],
      ['update/delta', (document) => this.#onDelta(document)],
      ['delete/accepted', () => this.#forget()],
    ];
    const onRefused = (error: VedetteError) => logger.warn({ error }, 'no device shadow');
    this.#subscriptions = await Promise.all(
      hear.map(([topic, listener]) =>
        channel.subscribe(
          `${this.#base}/${topic}`,
          (message) => listener(documentOf(message)),
          onRefused,
        ),
      ),
    );
    this.#unwatch = channel.watch((isConnected) => {
      if (!isConnected) return;
      // Versions begin again when a shadow was deleted long ago.
      this.#lastVersion = 0;
      this.#again(0);
    });
  }

  /** What is to be reported from now on. */
  report(document: ShadowTree): void {
    this.#wanted = document;
    if (performance.now() - this.#confirmedSinceMs > RENEW_MS) this.#forget();
    void this.#send();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    this.#unwatch();
    this.#awaited?.settle(new VedetteError('SHUTTING_DOWN', 'the shadow is no longer reported'));
    await Promise.allSettled(this.#subscriptions.map((one) => one.close()));
  }

  async #send(): Promise<void> {
    if (this.#isSending || this.#closing.signal.aborted) return;
    this.#isSending = true;
    clearTimeout(this.#retry);
    try {
      for (;;) {
        const change = this.#wanted && shadowChange(this.#confirmed, this.#wanted);
        const [piece] = isTree(change) ? piecesOf(change, MAX_PIECE_BYTES) : [];
        if (piece === undefined || this.#closing.signal.aborted) break;
        const before = this.#timesForgotten;
        await this.#sendPiece(piece);
        // A shadow that was deleted right after it took the piece holds it no more.
        if (before !== this.#timesForgotten) continue;
        this.#confirmed = withChange(this.#confirmed, piece);
        this.#retryMs = this.#options.firstRetryMs ?? FIRST_RETRY_MS;
      }
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      if (error.code === 'MESSAGE_REFUSED' || error.code === 'SHADOW_REJECTED') {
        this.#options.logger.warn({ error: error.serialize() }, 'the device shadow was not taken');
      }
      // The nucleus sends other messages just now; there is room in a moment.
      if (error.code === 'CHANNEL_BUSY') {
        this.#again(BUSY_RETRY_MS);
        return;
      }
      this.#again(this.#retryMs);
      this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
    } finally {
      this.#isSending = false;
    }
  }

  async #sendPiece(reported: ShadowTree): Promise<void> {
    const { channel, answerTimeoutMs = ANSWER_TIMEOUT_MS } = this.#options;
    const token = randomUUID();
    const { promise, resolve } = Promise.withResolvers<'accepted' | VedetteError>();
    this.#awaited = { token, settle: resolve };
    const late = new VedetteError(
      'CHANNEL_OFFLINE',
      `AWS IoT did not answer an update of the shadow within ${answerTimeoutMs} ms`,
    );
    const timer = setTimeout(() => resolve(late), answerTimeoutMs);
    try {
      const request = JSON.stringify({ state: { reported }, clientToken: token });
      await channel.publish(`${this.#base}/update`, Buffer.from(request), 1);
      const answer = await promise;
      if (answer !== 'accepted') throw answer;
    } finally {
      clearTimeout(timer);
      this.#awaited = undefined;
    }
  }

  #answered({ clientToken }: ShadowTree, answer: 'accepted' | VedetteError): void {
    if (this.#awaited && this.#awaited.token === clientToken) this.#awaited.settle(answer);
  }

  #onDelta({ state, version }: ShadowTree): void {
    if (!isTree(state) || typeof version !== 'number' || version <= this.#lastVersion) return;
    this.#lastVersion = version;
    this.#options.onDelta(state);
  }

  /** Reports everything anew. */
  #forget(): void {
    this.#timesForgotten += 1;
    this.#confirmed = namesIn(this.#confirmed);
    this.#confirmedSinceMs = performance.now();
    this.#lastVersion = 0;
    this.#again(this.#retryMs);
  }

  #again(afterMs: number): void {
    clearTimeout(this.#retry);
    if (this.#closing.signal.aborted) return;
    this.#retry = setTimeout(() => void this.#send(), afterMs);
    this.#retry.unref();
  }
}

/** The names in a document without what is said of them, so that those that go away are removed. */
export function namesIn(document: unknown): ShadowTree {
  if (!isTree(document)) return {};
  const sections = Object.entries(document).filter(([, section]) => isTree(section));
  return Object.fromEntries(
    sections.map(([key, section]) => [
      key,
      Object.fromEntries(Object.keys(section as ShadowTree).map((name) => [name, ''])),
    ]),
  );
}

function documentOf({ payload }: IncomingMessage): ShadowTree {
  try {
    const document: unknown = JSON.parse(Buffer.from(payload).toString());
    return isTree(document) ? document : {};
  } catch {
    return {};
  }
}

const rejection = ({ code, message }: ShadowTree): VedetteError =>
  new VedetteError(
    'SHADOW_REJECTED',
    `AWS IoT rejected an update of the shadow: ${code} ${message}`,
    {
      details: { code, message },
    },
  );
