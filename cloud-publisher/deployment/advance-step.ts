import type { StepChange } from '../registry/rollout-records.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { judgeHealth } from './judge-health.ts';
import { plannedStep } from './rollout.ts';
import type { Rollout, RolloutStep, StepState } from './rollout.ts';
import { ROLLOUT_TAG, makeStepDeployment, replacedReason } from './step-deployment.ts';
import { failureReasons, stepExecutions } from './step-executions.ts';
import { targetName } from './target-arn.ts';

/** What a step may do to the records: everything is written before it counts as done. */
export interface StepBook {
  change(from: StepState, change: StepChange): Promise<void>;
  /** Before a deployment is asked of AWS. @returns whether it may be */
  request(): Promise<boolean>;
  note(text: string): Promise<void>;
  recordDevices(outcomes: ReadonlyMap<string, string>): Promise<void>;
  /** For people who watch; not kept. */
  progress(text: string): void;
}

/** `worse` asks for the way back, `held` for a person. */
export type StepResult =
  | { readonly kind: 'moved' }
  | { readonly kind: 'waits' }
  | { readonly kind: 'worse' | 'held'; readonly reason: string };

const MOVED: StepResult = { kind: 'moved' };
const WAITS: StepResult = { kind: 'waits' };
/** A deployment that takes its way, or that has been taken everywhere. */
const UNDER_WAY: ReadonlySet<string> = new Set(['ACTIVE', 'COMPLETED']);
const CALLS_AT_ONCE = 8;
const NAMED_DEVICES = 3;

/** Takes a step one state on, if it is time. */
export function advanceStep(
  rollout: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
  book: StepBook,
): Promise<StepResult> {
  switch (step.state) {
    case 'waiting':
      return begin(rollout, step, doors, book);
    case 'creating':
      return create(rollout, step, doors, book);
    case 'deploying':
      return followDevices(rollout, step, doors, book);
    case 'soaking':
      return soak(rollout, step, doors, book);
    case 'passed':
    case 'stopped':
      return Promise.resolve(MOVED);
  }
}

/** Health before, and the group of the wave: both can be done again. */
async function begin(
  { id }: Rollout,
  step: RolloutStep,
  { shadows, groups }: FleetDoors,
  book: StepBook,
): Promise<StepResult> {
  if (step.kind === 'roll-back') {
    await book.change('waiting', { state: 'creating', beganAtMs: Date.now() });
    return MOVED;
  }
  const baseline = Object.fromEntries(await shadows.healthOf(step.devices));
  if (step.isGroupMade) {
    const group = targetName(step.targetArn);
    await groups.create(group, { [ROLLOUT_TAG]: id });
    await inParallel(step.devices.length, CALLS_AT_ONCE, (index) =>
      groups.add(group, step.devices[index]!),
    );
  }
  await book.change('waiting', { state: 'creating', baseline, beganAtMs: Date.now() });
  return MOVED;
}

async function create(
  rollout: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
  book: StepBook,
): Promise<StepResult> {
  const made = await makeStepDeployment(rollout, step, doors, () => book.request());
  switch (made.kind) {
    case 'stopped':
      return MOVED;
    case 'refused':
      return { kind: 'held', reason: made.reason };
    case 'changed':
      await book.change('creating', { plan: made.plan });
      await book.note(`${step.title}: planned anew on what others deployed there meanwhile`);
      return MOVED;
    case 'made': {
      const { deploymentId } = made;
      const beganAtMs = Date.now();
      const devices = await devicesOf(step, doors);
      await book.change('creating', {
        state: 'deploying',
        deploymentId,
        beganAtMs,
        ...(devices === step.devices ? {} : { plan: { ...plannedStep(step), devices } }),
      });
      await book.note(`${step.title}: deployment ${deploymentId} for ${count(devices)}`);
      return MOVED;
    }
  }
}

/**
 * Of a way back: those too that began with what is taken back between the last look at it and now,
 * when no further one can.
 */
async function devicesOf(step: RolloutStep, doors: FleetDoors): Promise<readonly string[]> {
  if (step.kind === 'wave' || step.baseDeploymentId === null) return step.devices;
  const { touched } = await stepExecutions(step, step.baseDeploymentId, doors);
  return touched.every((thing) => step.devices.includes(thing))
    ? step.devices
    : [...new Set([...step.devices, ...touched])];
}

async function followDevices(
  { file: { gates } }: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
  book: StepBook,
): Promise<StepResult> {
  const deploymentId = step.deploymentId!;
  const [{ status, reached, failed, open, ...look }, replaced] = await Promise.all([
    stepExecutions(step, deploymentId, doors),
    replacedBy(step, doors),
  ]);
  // Who has begun with it must be known when it is taken back, also when no wave ends before that.
  const touched = [...new Set([...step.touched, ...look.touched])];
  if (touched.length > step.touched.length) await book.change('deploying', { touched });
  await book.recordDevices(
    new Map([
      ...reached.map((thing) => [thing, 'SUCCEEDED'] as const),
      ...failed.map(({ thing, status }) => [thing, status] as const),
    ]),
  );
  if (replaced !== undefined) return { kind: 'held', reason: replaced };
  const all = step.devices.length;
  book.progress(
    `${step.title}: ${reached.length} of ${count(step.devices)} have it${failed.length > 0 ? `, ${failed.length} failed` : ''}`,
  );
  if (failed.length > (step.kind === 'wave' ? gates.maxFailedDevices : 0)) {
    const reasons = await failureReasons(failed, deploymentId, doors);
    await book.change('deploying', { reached });
    return {
      kind: 'worse',
      reason: `${step.title}: ${failed.length} of ${all} failed: ${reasons}`,
    };
  }
  if (!UNDER_WAY.has(status)) {
    return {
      kind: 'held',
      reason: `${step.title}: deployment ${deploymentId} is ${status}, so that devices that have not got it yet get nothing (${reached.length} of ${all} have it): take the roll-out back, or plan the rest again`,
    };
  }
  const isOver = Date.now() >= (step.beganAtMs ?? 0) + step.deviceTimeoutMs;
  if (open.length > 0 && !isOver) return WAITS;
  if (step.kind === 'roll-back') {
    await book.change('deploying', { state: 'passed', reached });
    await book.note(
      open.length === 0
        ? `${step.title}: done`
        : `${step.title}: ${names(open)} not reached; they get it when they come back`,
    );
    return MOVED;
  }
  if (reached.length * 100 < gates.minReachedPercent * all) {
    return {
      kind: 'held',
      reason: `${step.title}: ${reached.length} of ${all} have it after ${minutes(step.deviceTimeoutMs)}, wanted ${gates.minReachedPercent} %; not reached: ${names(open)}`,
    };
  }
  await book.change('deploying', { state: 'soaking', reached, deployedAtMs: Date.now() });
  const missing = open.length === 0 ? '' : `, without ${names(open)}`;
  await book.note(
    `${step.title}: ${reached.length} of ${all} have it${missing}; watched for ${minutes(step.soakMs)}`,
  );
  return MOVED;
}

async function soak(
  { file: { gates } }: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
  book: StepBook,
): Promise<StepResult> {
  const replaced = await replacedBy(step, doors);
  if (replaced !== undefined) return { kind: 'held', reason: replaced };
  const deployedAtMs = step.deployedAtMs ?? 0;
  // Before the reports are read, so that what they miss of the soak time is not taken for a whole one.
  const isFinal = Date.now() >= deployedAtMs + step.soakMs;
  const health = await doors.shadows.healthOf(step.reached);
  const { beganAtMs = 0 } = step;
  const moment = { nowMs: Date.now(), beganAtMs, deployedAtMs, isFinal };
  const worse = step.reached.flatMap((thing) => {
    const reasons = judgeHealth(step.baseline[thing], health.get(thing), gates, moment);
    return reasons.length === 0 ? [] : `${thing} ${reasons.join(' and ')}`;
  });
  book.progress(`${step.title}: watched, ${worse.length} of ${step.reached.length} are worse`);
  if (worse.length > gates.maxWorseDevices)
    return { kind: 'worse', reason: `${step.title}: ${names(worse)}` };
  const unheard = step.reached.filter((thing) => !((health.get(thing)?.atMs ?? 0) > deployedAtMs));
  const isAwaited = moment.nowMs - deployedAtMs <= gates.reportMaxAgeSeconds * 1000;
  // A short soak time does not end before the devices have said something.
  if (gates.isReportRequired && unheard.length > 0 && isAwaited) return WAITS;
  if (!isFinal) return WAITS;
  await book.change('soaking', { state: 'passed' });
  await book.note(`${step.title}: passed${worse.length > 0 ? `, though ${names(worse)}` : ''}`);
  return MOVED;
}

async function replacedBy(
  step: RolloutStep,
  { deployments }: FleetDoors,
): Promise<string | undefined> {
  const newest = await deployments.newest(step.targetArn);
  return newest === undefined || newest.deploymentId === step.deploymentId
    ? undefined
    : replacedReason(step, newest.name);
}

const count = (devices: readonly string[]): string =>
  devices.length === 1 ? '1 device' : `${devices.length} devices`;

const names = (list: readonly string[]): string =>
  list.length <= NAMED_DEVICES
    ? list.join(', ')
    : `${list.slice(0, NAMED_DEVICES).join(', ')} and ${list.length - NAMED_DEVICES} more`;

const minutes = (ms: number): string => `${Number((ms / 60_000).toFixed(2))} min`;
