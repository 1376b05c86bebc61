import type { ModelStatus, TensorAnswer } from '../../component/contract/ports.ts';
import { integerVersion } from './model-version.ts';

interface Duration {
  count: number;
  ns: number;
}

const zero = (): Duration => ({ count: 0, ns: 0 });
const add = (duration: Duration, ms: number) => {
  duration.count += 1;
  duration.ns += Math.max(0, Math.round(ms * 1e6));
};

class ModelStatistics {
  readonly success = zero();
  readonly fail = zero();
  readonly queue = zero();
  readonly compute = zero();
  lastInferenceMs = 0;
}

/** Statistics extension: what this protocol's requests took, per model, since the process began. */
export class RequestStatistics {
  readonly #models = new Map<string, ModelStatistics>();

  countSuccess(model: string, totalMs: number, timings: TensorAnswer['timings']): void {
    const statistics = this.#of(model);
    add(statistics.success, totalMs);
    add(statistics.queue, timings.queueMs);
    add(statistics.compute, timings.runMs);
    statistics.lastInferenceMs = Date.now();
  }

  countFailure(model: string, totalMs: number): void {
    add(this.#of(model).fail, totalMs);
  }

  describe(model: ModelStatus): object {
    const { success, fail, queue, compute, lastInferenceMs } = this.#of(model.name);
    return {
      name: model.name,
      version: model.identity === undefined ? '' : integerVersion(model.identity.version),
      last_inference: lastInferenceMs,
      inference_count: success.count,
      execution_count: success.count,
      inference_stats: {
        success,
        fail,
        queue,
        compute_input: { count: compute.count, ns: 0 },
        compute_infer: compute,
        compute_output: { count: compute.count, ns: 0 },
        cache_hit: zero(),
        cache_miss: zero(),
      },
      batch_stats: [],
    };
  }

  #of(model: string): ModelStatistics {
    let statistics = this.#models.get(model);
    if (statistics === undefined) {
      statistics = new ModelStatistics();
      this.#models.set(model, statistics);
    }
    return statistics;
  }
}
