import type { EdgeRuntime } from '../../component/edge-runtime.ts';
import type { BodyReader } from '../body-reader.ts';

/** What most route plugins are registered with. */
export interface RuntimeOptions {
  readonly runtime: EdgeRuntime;
}

export interface BodyOptions extends RuntimeOptions {
  readonly bodies: BodyReader;
}
