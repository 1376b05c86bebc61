import type { RuntimeProcess } from '../support/runtime-process.ts';

/** The deadline of the triggered camera as it was asked for, and since when it surely holds, if it does. */
export interface AskedDeadline {
  readonly deadlineMs: number;
  readonly askedMs: number;
  inForceMs?: number;
}

export interface StationOptions {
  /** As first configured. */
  readonly deadlineMs: number;
  readonly stallTimeoutMs: number;
  /** The one that lives now. */
  readonly runtime: () => RuntimeProcess | undefined;
}

/** Changes the configuration as a user at the station does, while everything runs. */
export class Station {
  /** Of the first configuration, which holds before anything is asked for, and then in order. */
  readonly deadlines: AskedDeadline[];
  /** What was refused, or is not in force although it was taken, in sentences. */
  readonly problems: string[] = [];
  readonly #options: StationOptions;
  #count = 0;

  constructor(options: StationOptions) {
    this.#options = options;
    const { deadlineMs } = options;
    this.deadlines = [{ deadlineMs, askedMs: -Infinity, inForceMs: -Infinity }];
  }

  /** Something that changes between two frames: no other part may notice. */
  async changeDeadline(): Promise<void> {
    this.#count += 1;
    const deadlineMs = this.#options.deadlineMs - (this.#count % 7) * 70;
    const asked: AskedDeadline = { deadlineMs, askedMs: Date.now() };
    this.deadlines.push(asked);
    const isTaken = await this.#change('dock', { trigger: { deadlineMs } });
    if (isTaken) asked.inForceMs = Date.now();
  }

  /** Something for which one camera is opened anew. */
  async openAnew(camera: string): Promise<void> {
    this.#count += 1;
    const stallTimeoutMs = this.#options.stallTimeoutMs - (this.#count % 50) * 10;
    await this.#change(camera, { source: { stallTimeoutMs } });
  }

  /** @returns whether it is in force; not when the runtime ended meanwhile */
  async #change(
    camera: string,
    settings: Record<string, Record<string, number>>,
  ): Promise<boolean> {
    const runtime = this.#options.runtime();
    if (!runtime) return false;
    const { address } = runtime;
    let problem: string;
    try {
      const response = await fetch(`${address}/api/v1/configuration/station`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ cameras: { [camera]: settings } }),
      });
      if (response.ok && (await this.#isInForce(address, camera, settings))) return true;
      problem = response.ok ? 'was taken and is not in force' : await response.text();
    } catch (error) {
      problem = `was not answered: ${String(error)}`;
    }
    // Otherwise it was ended meanwhile.
    if (this.#options.runtime() === runtime) {
      this.problems.push(`a change of ${camera} to ${JSON.stringify(settings)} ${problem}`);
    }
    return false;
  }

  async #isInForce(
    address: string,
    camera: string,
    settings: Record<string, Record<string, number>>,
  ): Promise<boolean> {
    for (const [part, values] of Object.entries(settings)) {
      for (const [key, value] of Object.entries(values)) {
        const only = `cameras.${camera}.${part}.${key}`;
        const response = await fetch(`${address}/api/v1/configuration/settings?only=${only}`);
        const { items } = (await response.json()) as { items: readonly { value: unknown }[] };
        if (items[0]?.value !== value) return false;
      }
    }
    return true;
  }
}
