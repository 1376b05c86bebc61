import type { VedetteError } from '../contract/errors.ts';
import type { CameraStatus } from '../contract/ports.ts';
import type { FaultLog } from '../logging/fault-log.ts';

export interface CameraTroublesOptions {
  readonly camera: string;
  readonly faults: FaultLog;
  /** After each change of a code. Must not throw. */
  readonly onChange: () => void;
}

/** What is wrong with a camera though its source is open, by who saw it. */
export class CameraTroubles {
  readonly #options: CameraTroublesOptions;
  readonly #troubles = new Map<'source' | 'frame', VedetteError>();

  constructor(options: CameraTroublesOptions) {
    this.#options = options;
  }

  reason(): Pick<CameraStatus, 'reason'> {
    const [trouble] = this.#troubles.values();
    return trouble === undefined ? {} : { reason: trouble.serialize() };
  }

  /** `undefined`: it is over. */
  set(of: 'source' | 'frame', trouble: VedetteError | undefined): void {
    const { camera, faults, onChange } = this.#options;
    const before = this.#troubles.get(of);
    if (trouble === undefined) this.#troubles.delete(of);
    else this.#troubles.set(of, trouble);
    if (before?.code !== trouble?.code) onChange();
    if (trouble === undefined) return;
    faults.warn(
      `trouble/${camera}/${trouble.code}`,
      { camera, error: trouble },
      'a camera runs, but not all of it can be judged',
    );
  }
}
