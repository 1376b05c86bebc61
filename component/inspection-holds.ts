import { VedetteError } from './contract/errors.ts';

export interface InspectionHold {
  readonly name: string;
  readonly expiresAtMs: number;
}

const MAX_HOLDS = 100;

/** Parts that are under inspection, as clients say: updates wait for them until they end or expire. */
export class InspectionHolds {
  readonly #untilMs = new Map<string, number>();

  /** Sets or renews a hold. @throws VedetteError OVERLOADED */
  set(name: string, seconds: number): InspectionHold {
    this.#forgetOld();
    if (this.#untilMs.size >= MAX_HOLDS && !this.#untilMs.has(name)) {
      throw new VedetteError('OVERLOADED', `There are ${MAX_HOLDS} holds already`);
    }
    this.#untilMs.set(name, performance.now() + seconds * 1000);
    return { name, expiresAtMs: Date.now() + seconds * 1000 };
  }

  release(name: string): void {
    this.#untilMs.delete(name);
  }

  list(): readonly InspectionHold[] {
    this.#forgetOld();
    const [nowMs, steadyMs] = [Date.now(), performance.now()];
    return [...this.#untilMs].map(([name, untilMs]) => ({
      name,
      expiresAtMs: nowMs + untilMs - steadyMs,
    }));
  }

  #forgetOld(): void {
    const nowMs = performance.now();
    for (const [name, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(name);
  }
}
