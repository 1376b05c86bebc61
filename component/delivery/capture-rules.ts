import type { CaptureRuleConfig } from '../contract/config.ts';
import type { NewResult } from '../contract/ports.ts';

interface NamedRule {
  readonly name: string;
  readonly rule: CaptureRuleConfig;
  /** Name and rule: another text is another rule. */
  readonly text: string;
}

interface RuleMemory {
  frames: number;
  capturedAtMs: number | undefined;
}

/**
 * Which capture rule asks for the picture of a result. A rule asks when any of its conditions
 * holds; a rule without `camera` acts for each camera as if it were written for it alone.
 */
export class CaptureRules {
  readonly #rules: readonly NamedRule[];
  readonly #memories: Map<string, RuleMemory>;

  constructor(
    rules: Readonly<Record<string, CaptureRuleConfig>>,
    memories: ReadonlyMap<string, RuleMemory> = new Map(),
  ) {
    this.#rules = Object.entries(rules)
      .filter(([, rule]) => rule.isEnabled)
      .map(([name, rule]) => ({ name, rule, text: `${name} ${JSON.stringify(rule)}` }));
    const kept = [...memories].filter(([key]) =>
      this.#rules.some(({ text }) => key.startsWith(`${text}/`)),
    );
    this.#memories = new Map(kept);
  }

  /** In place of these: a rule that is the same counts on. */
  replacedBy(rules: Readonly<Record<string, CaptureRuleConfig>>): CaptureRules {
    return new CaptureRules(rules, this.#memories);
  }

  /**
   * To be called once for every result of a camera, since rules count frames. Returns the name of
   * the first rule that asks. `nowMs` is any steady clock.
   */
  choose(camera: string, result: NewResult, nowMs = performance.now()): string | undefined {
    let chosen: string | undefined;
    for (const { name, rule, text } of this.#rules) {
      if (rule.camera !== undefined && rule.camera !== camera) continue;
      const memory = this.#memory(`${text}/${camera}`);
      memory.frames += 1;
      if (chosen !== undefined || !asks(rule, result, memory.frames)) continue;
      const isTooSoon =
        memory.capturedAtMs !== undefined && nowMs - memory.capturedAtMs < rule.minIntervalMs;
      if (isTooSoon) continue;
      memory.capturedAtMs = nowMs;
      chosen = name;
    }
    return chosen;
  }

  #memory(key: string): RuleMemory {
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const memory: RuleMemory = { frames: 0, capturedAtMs: undefined };
    this.#memories.set(key, memory);
    return memory;
  }
}

function asks(rule: CaptureRuleConfig, result: NewResult, frames: number): boolean {
  const { everyNth, scoreBelow, outcomes } = rule;
  if (everyNth !== undefined && frames % everyNth === 0) return true;
  if (outcomes[result.verdict.outcome]) return true;
  if (scoreBelow === undefined) return false;
  const scored = [...(result.detections ?? []), ...(result.classes ?? [])];
  return scored.some(({ score }) => score < scoreBelow);
}
