import type { Anomaly, Findings, Verdict } from '../../contract/result.ts';
import type { RuleConfig } from '../../contract/rule-config.ts';
import type { ZoneConfig } from '../../contract/space-config.ts';
import type { SpaceEvidence } from '../space/scene.ts';

export type NamedRule = RuleConfig & { readonly name: string };
export type RuleOf<K extends RuleConfig['kind']> = Extract<NamedRule, { kind: K }>;

/** What rules look at. */
export interface Evidence {
  readonly findings: Findings;
  /** What came with the picture. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** Of a camera that tracks. */
  readonly space?: SpaceEvidence | undefined;
  /**
   * The score from which a label is found, or any label; lower ones are left out before rules see them.
   * Absent where nothing is known of it.
   */
  readonly thresholdFor?: ((label: string | undefined) => number) | undefined;
  /** The camera's zones by name. */
  readonly zones: Readonly<Record<string, ZoneConfig>>;
}

/** The verdict of one rule of a kind. Must be pure: what a rule needs of earlier frames is evidence. */
export type ApplyRule<K extends RuleConfig['kind']> = (
  rule: RuleOf<K>,
  evidence: Evidence,
) => Verdict;

/** A rule that finds nothing of its family to look at cannot vouch for the part. */
export const notApplicable = (rule: NamedRule, wanted: string): Verdict => ({
  outcome: 'review',
  rule: rule.name,
  reason: `the model gives no ${wanted}: this rule does not fit it`,
});

/** What the model itself says of a picture; its decision need not be that of the score. */
export function ownDecision({ score, threshold, isAnomalous }: Anomaly): string {
  const isReached = score >= threshold;
  const comparison = `${scoreText(score)} ${isReached ? 'at or above' : 'below'} ${scoreText(threshold)}`;
  if (isReached === isAnomalous) return `anomaly ${comparison}`;
  return `${isAnomalous ? 'anomalous' : 'not anomalous'} by the model's decision, score ${comparison}`;
}

/** A score as reasons show it. */
export const scoreText = (value: number): string => String(Math.round(value * 1000) / 1000);

/** As `scoreText`, of a time in milliseconds. */
export const secondsText = (ms: number): string =>
  ms >= 120_000 ? `${Math.round(ms / 6000) / 10} min` : `${Math.round(ms / 100) / 10} s`;

/** Rules on followed objects are judged in a camera's sequence of pictures only. */
export const notTracked = (rule: NamedRule): Verdict => ({
  outcome: 'review',
  rule: rule.name,
  reason: 'no objects were followed to this picture: this rule cannot be judged',
});

const interruptionText = (interruptedMs: number): string =>
  interruptedMs === 0
    ? 'what was followed before was given up'
    : `nothing was followed for ${secondsText(interruptedMs)} before`;

/**
 * After an interruption a rule on followed objects cannot vouch for what happened meanwhile, nor for
 * objects that were too many to be followed.
 */
export function afterInterruption(
  { interruptedMs, leftOut }: SpaceEvidence,
  verdict: Verdict,
): Verdict {
  if (verdict.outcome !== 'pass') return verdict;
  const doubts = [
    ...(interruptedMs === undefined ? [] : [interruptionText(interruptedMs)]),
    ...(leftOut === undefined ? [] : [`${leftOut} objects were too many to be followed`]),
  ];
  if (doubts.length === 0) return verdict;
  return { ...verdict, outcome: 'review', reason: [...doubts, verdict.reason].join('; ') };
}
