import type { CameraSourceOf } from '../contract/camera-config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { deliverPicture } from './deliver-picture.ts';
import { HttpConnection } from './http-connection.ts';
import { JpegSplitter } from './jpeg-splitter.ts';
import { untilBack } from './return-watch.ts';
import { SourceLogin } from './source-login.ts';

export interface HttpMjpegCameraOptions {
  readonly source: CameraSourceOf<'http-mjpeg'>;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/** Answers that hold no stream of pictures, whatever else they are. */
const NO_STREAM = /^(?:text\/|image\/|application\/(?:json|xml|xhtml))/i;

/**
 * An HTTP stream of JPEG pictures. They go into slots as they are, to be decoded with the model's
 * own scaling, so that no decoder runs for frames that nobody judges.
 *
 * Pictures are found by their own markers: cameras get the boundaries and lengths of the multipart
 * format wrong in many ways, and a picture says itself where it ends.
 */
export class HttpMjpegCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly stallTimeoutMs: number;
  readonly #options: HttpMjpegCameraOptions;
  #sequence = 0;
  /** Whether the last run ended because no answer, or no picture, came. */
  #wasSilent = false;
  /** Whether it ended because the camera was not there, or had no pictures for then. */
  #wasAway = false;
  readonly #login = new SourceLogin();

  constructor(options: HttpMjpegCameraOptions) {
    this.#options = options;
    this.stallTimeoutMs = options.source.stallTimeoutMs;
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
    try {
      await this.#stream(connection, sink, signal);
    } catch (error) {
      if (!signal.aborted) throw connection.broken(error);
    } finally {
      this.#wasSilent = connection.isSilent || signal.aborted;
      this.#wasAway = connection.isAway || signal.aborted;
      connection.close();
    }
  }

  async #stream(connection: HttpConnection, sink: FrameSink, signal: AbortSignal): Promise<void> {
    const response = await connection.get({}, signal);
    const type = response.headers['content-type'] ?? '';
    if (NO_STREAM.test(type)) {
      const hint = type.startsWith('image/') ? '; a single picture is for http-snapshot' : '';
      throw connection.failed(`it answered ${type}, expected multipart/x-mixed-replace${hint}`);
    }
    const splitter = new JpegSplitter(sink.slotBytes);
    for await (const chunk of response) {
      for (const picture of splitter.push(chunk as Uint8Array)) {
        const sequence = this.#sequence;
        this.#sequence += 1;
        const where = `picture ${sequence} of ${connection.shownUrl}`;
        const reference = { sequence, capturedAtMs: Date.now() };
        await deliverPicture(sink, picture, where, reference, signal);
        if (signal.aborted) return;
      }
    }
    throw connection.failed('the stream ended');
  }
}
