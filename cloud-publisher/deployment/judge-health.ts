import type { DeviceHealth, HealthWindow } from '../fleet/device-health.ts';
import type { HealthGates } from './health-gates.ts';

export interface JudgedMoment {
  readonly nowMs: number;
  /** When the deployment was made. */
  readonly beganAtMs: number;
  /** Since when the devices have it. */
  readonly deployedAtMs: number;
  /** The soak time is over: what is not known by now counts. */
  readonly isFinal: boolean;
}

/** Why a device is worse than it was before, or than the limits: nothing when it is not. */
export function judgeHealth(
  before: DeviceHealth | undefined,
  after: DeviceHealth | undefined,
  gates: HealthGates,
  { nowMs, beganAtMs, deployedAtMs, isFinal }: JudgedMoment,
): string[] {
  const maxAgeMs = gates.reportMaxAgeSeconds * 1000;
  const isFresh = after !== undefined && after.atMs > deployedAtMs;
  if (!isFresh) {
    const isDue = nowMs - deployedAtMs > maxAgeMs;
    return gates.isReportRequired && isDue ? ['has reported nothing since'] : [];
  }
  if (gates.isReportRequired && nowMs - after.atMs > maxAgeMs)
    return [`has reported nothing for ${Math.round((nowMs - after.atMs) / 1000)} s`];
  const { refusal } = after;
  const reasons = [
    ...(gates.isReadyRequired && !after.isReady ? ['is not ready'] : []),
    ...(refusal && refusal.atMs > beganAtMs ? [`refuses its configuration: ${refusal.text}`] : []),
  ];
  const { window } = after;
  // A window that reaches back before the deployment says something of both versions.
  const isNew = after.atMs - window.seconds * 1000 >= deployedAtMs;
  if (window.results < gates.minResults || !(isNew || isFinal)) return reasons;
  const old = before && before.window.results >= gates.minResults ? before.window : undefined;
  return [
    ...reasons,
    ...judgeErrors(old, window, gates),
    ...judgeLatency(old, window, gates),
    ...judgeVerdicts(old, window, gates),
  ];
}

function judgeErrors(
  old: HealthWindow | undefined,
  window: HealthWindow,
  gates: HealthGates,
): string[] {
  const rate = window.errors / window.results;
  if (rate > gates.maxErrorRate)
    return [`errors in ${percent(rate)} of results, at most ${percent(gates.maxErrorRate)}`];
  if (!old) return [];
  const oldRate = old.errors / old.results;
  return rate - oldRate > gates.maxErrorRateIncrease
    ? [`errors in ${percent(rate)} of results, ${percent(oldRate)} before`]
    : [];
}

function judgeLatency(
  old: HealthWindow | undefined,
  window: HealthWindow,
  gates: HealthGates,
): string[] {
  const p95 = window.latencyP95Ms;
  if (p95 === undefined) return [];
  const { maxLatencyP95Ms: max, maxLatencyIncreasePercent: increase } = gates;
  if (max !== undefined && p95 > max) return [`latency p95 is ${ms(p95)}, at most ${ms(max)}`];
  const oldP95 = old?.latencyP95Ms;
  return oldP95 !== undefined && p95 > oldP95 * (1 + increase / 100)
    ? [`latency p95 is ${ms(p95)}, ${ms(oldP95)} before`]
    : [];
}

function judgeVerdicts(
  old: HealthWindow | undefined,
  window: HealthWindow,
  gates: HealthGates,
): string[] {
  const [before, after] = [old && shares(old, gates), shares(window, gates)];
  if (!before || !after) return [];
  return (['pass', 'fail', 'review'] as const).flatMap((outcome) =>
    Math.abs(after[outcome] - before[outcome]) > gates.maxVerdictShareChange
      ? [`${outcome} in ${percent(after[outcome])} of verdicts, ${percent(before[outcome])} before`]
      : [],
  );
}

function shares({ verdicts }: HealthWindow, { minResults }: HealthGates) {
  const sum = verdicts.pass + verdicts.fail + verdicts.review;
  if (sum < minResults) return undefined;
  return { pass: verdicts.pass / sum, fail: verdicts.fail / sum, review: verdicts.review / sum };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
