import { Histogram, type Registry } from 'prom-client';
import type { OutputStatus } from '../contract/output.ts';
import type { CameraStatus } from '../contract/ports.ts';
import type { Outcome } from '../contract/result.ts';
import { TRIGGER_DROP_REASONS, type TriggerSourceStatus } from '../contract/transaction.ts';
import { addReadings } from './metric-readings.ts';

/** How a transaction came to its verdict. */
export type DecidedBy = 'answer' | 'deadline' | 'stop' | 'incomplete';

/** Seconds; from a small model on a fast frame to the longest deadlines that people choose. */
const BUCKETS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];

interface Sources {
  readonly cameras: () => readonly CameraStatus[];
  readonly triggers: () => readonly TriggerSourceStatus[];
  readonly outputs: () => readonly OutputStatus[];
}

/** Triggers, transactions and outputs on `/metrics`. */
export class TransactionMetrics {
  readonly #seconds: Histogram<'camera' | 'outcome' | 'decided_by'>;

  constructor(registry: Registry, { cameras, triggers, outputs }: Sources) {
    this.#seconds = new Histogram({
      name: 'vedette_transaction_seconds',
      help: 'From a trigger to its verdict. `decided_by`: answer, or for a fail-safe verdict deadline, stop or incomplete',
      labelNames: ['camera', 'outcome', 'decided_by'],
      buckets: BUCKETS,
      registers: [registry],
    });
    addReadings(
      registry,
      'vedette_camera_triggers_dropped_total',
      'Triggers that the camera did not take or gave up for a newer one, by reason',
      () =>
        cameras().flatMap(({ name: camera, triggers: counts }) =>
          counts === undefined
            ? []
            : TRIGGER_DROP_REASONS.map((reason) => [{ camera, reason }, counts.dropped[reason]]),
        ),
    );
    const addTrigger = (name: string, help: string, value: (one: TriggerSourceStatus) => number) =>
      addReadings(registry, `vedette_trigger_${name}`, help, () =>
        triggers().map((one) => [{ trigger: one.name }, value(one)]),
      );
    addTrigger('listening', '1 when a configured trigger hears what happens', ({ state }) =>
      state === 'listening' ? 1 : 0,
    );
    addTrigger('taken_total', 'Triggers that the camera took', ({ taken }) => taken);
    addTrigger(
      'refused_total',
      'What the camera did not take, or was no trigger',
      (t) => t.refused,
    );
    const addOutput = (name: string, help: string, value: (one: OutputStatus) => number) =>
      addReadings(registry, `vedette_output_${name}`, help, () =>
        outputs().map((one) => [{ output: one.name }, value(one)]),
      );
    addOutput('waiting', 'Verdicts that wait to be told', ({ waiting }) => waiting);
    addOutput('acknowledged_total', 'Verdicts that the receiver has', (o) => o.acknowledged);
    addOutput('given_up_total', 'Verdicts that the receiver was not told', (o) => o.givenUp);
  }

  count(camera: string, outcome: Outcome, decidedBy: DecidedBy, elapsedMs: number): void {
    this.#seconds.observe({ camera, outcome, decided_by: decidedBy }, elapsedMs / 1000);
  }
}
