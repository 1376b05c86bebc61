import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CameraSourceOf } from '../contract/camera-config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { deliverPicture } from './deliver-picture.ts';
import { HttpConnection } from './http-connection.ts';
import type { SplitPicture } from './jpeg-splitter.ts';
import { Pacer } from './pacer.ts';
import { untilBack } from './return-watch.ts';
import { SourceLogin } from './source-login.ts';

export interface HttpSnapshotCameraOptions {
  readonly source: CameraSourceOf<'http-snapshot'>;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/**
 * Asks an HTTP address for a picture again and again. A picture that is byte for byte the one before
 * is no new frame: it is counted as `unchanged`, whether the camera says so itself (304) or not.
 *
 * A picture is dated by the moment when it was asked for. The camera may have taken it at any time
 * until it answered: only of one that was asked for after a trigger it is sure that it shows what came
 * after.
 */
export class HttpSnapshotCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly #options: HttpSnapshotCameraOptions;
  #sequence = 0;
  /** Whether the last run ended because no answer, or no picture, came. */
  #wasSilent = false;
  /** Whether it ended because the camera was not there, or had no pictures for then. */
  #wasAway = false;
  readonly #login = new SourceLogin();
  #etag: string | undefined;
  #digest: string | undefined;

  constructor(options: HttpSnapshotCameraOptions) {
    this.#options = options;
  }

  untilBack(signal: AbortSignal): Promise<void> {
    return untilBack(this.#options.source.url, signal, this.#wasAway, this.#login);
  }

  /** @throws VedetteError CAMERA_SOURCE_FAILED, CAMERA_LOGIN_REFUSED, SECRET_UNAVAILABLE */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { source, readSecret } = this.#options;
    const password = source.password && (await readSecret(source.password));
    const connection = new HttpConnection({ ...source, password });
    this.#login.use(connection.credentials);
    if (this.#wasSilent) await connection.requireAnswer(signal);
    const pacer = new Pacer('source', 1000 / source.intervalMs);
    try {
      while (!signal.aborted) {
        await pacer.next(signal);
        if (!signal.aborted) await this.#askOnce(connection, sink, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw connection.broken(error);
    } finally {
      this.#wasSilent = connection.isSilent || signal.aborted;
      this.#wasAway = connection.isAway || signal.aborted;
      connection.close();
    }
  }

  async #askOnce(connection: HttpConnection, sink: FrameSink, signal: AbortSignal): Promise<void> {
    const known = this.#etag === undefined ? {} : { 'if-none-match': this.#etag };
    const capturedAtMs = Date.now();
    const response = await connection.get(known, signal);
    const picture = await this.#read(connection, response, sink.slotBytes);
    if (signal.aborted) return;
    const sequence = this.#sequence;
    this.#sequence += 1;
    if (response.statusCode === 304 || this.#isKnown(picture)) {
      sink.countDrop('unchanged');
      sink.notifyOpened();
      return;
    }
    const where = `picture ${sequence} of ${connection.shownUrl}`;
    const reference = { sequence, capturedAtMs };
    const delivery = await deliverPicture(sink, picture, where, reference, signal);
    // What was not taken must come again.
    const { etag } = response.headers;
    this.#etag = delivery === 'published' ? etag : undefined;
    if (delivery !== 'published') this.#digest = undefined;
  }

  /** The whole body; of one that is too large only as much as shows it. */
  async #read(
    connection: HttpConnection,
    response: IncomingMessage,
    maxBytes: number,
  ): Promise<SplitPicture> {
    const { timeoutMs } = this.#options.source;
    const timer = setTimeout(
      () =>
        response.destroy(
          connection.failed(`the picture took more than ${timeoutMs} ms (timeoutMs)`),
        ),
      timeoutMs,
    );
    try {
      const chunks: Uint8Array[] = [];
      let byteLength = 0;
      for await (const chunk of response) {
        chunks.push(chunk as Uint8Array);
        byteLength += (chunk as Uint8Array).byteLength;
        // Leaving the loop closes the connection.
        if (byteLength > maxBytes) return { kind: 'too-large', byteLength };
      }
      return { kind: 'jpeg', data: Buffer.concat(chunks, byteLength) };
    } finally {
      clearTimeout(timer);
    }
  }

  #isKnown(picture: SplitPicture): boolean {
    if (picture.kind !== 'jpeg') return false;
    const digest = createHash('sha1').update(picture.data).digest('base64');
    const isKnown = digest === this.#digest;
    this.#digest = digest;
    return isKnown;
  }
}
