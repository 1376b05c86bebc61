import { VedetteError } from '../../contract/errors.ts';
import type { LabelFigures } from '../../contract/model-lifecycle.ts';
import type { RolloutConfig } from '../../contract/rollout-config.ts';
import { isSameVersion } from '../../contract/verdict-comparison.ts';
import type { ModelHost } from '../../inference/model-host.ts';
import type { CandidateFigures } from '../../inference/versions/lifecycle-status.ts';
import type { Candidate } from '../../inference/versions/version-set.ts';
import type { Registry } from '../../registry/registry.ts';
import { CanaryWatch } from './canary-watch.ts';
import { isPromotedByLabels } from './label-rule.ts';
import type { SeenFrame } from './seen-frame.ts';
import { ShadowRun } from './shadow-run.ts';

/** So many newest results of the version before a canary is compared with. */
const BASELINE_RESULTS = 1000;

export interface CandidateWatchOptions {
  readonly model: string;
  readonly rollout: RolloutConfig;
  readonly registry: Registry;
  readonly onFault: (fault: VedetteError) => void;
}

/** What is found out about the candidate of one model, whichever it is at the time. */
export class CandidateWatch {
  readonly #options: CandidateWatchOptions;
  #rollout: RolloutConfig;
  #candidate: Candidate | undefined;
  #shadow: ShadowRun | undefined;
  #canary: CanaryWatch | undefined;
  #labels: LabelFigures | undefined;

  constructor(options: CandidateWatchOptions) {
    this.#options = options;
    this.#rollout = options.rollout;
  }

  figures(): CandidateFigures {
    return {
      ...(this.#shadow ? { shadow: this.#shadow.figures() } : {}),
      ...(this.#canary ? { canary: this.#canary.figures() } : {}),
      ...(this.#labels ? { labels: this.#labels } : {}),
    };
  }

  /** Candidates are judged by these from now on, also one that is being tried. */
  configure(rollout: RolloutConfig): void {
    this.#rollout = rollout;
    this.#canary?.configure(rollout);
  }

  /** After every change of versions: another candidate is judged anew. */
  follow(host: ModelHost): void {
    const { candidate } = host;
    if (candidate === this.#candidate) return;
    this.#candidate = candidate;
    this.#shadow = undefined;
    this.#canary = undefined;
    this.#labels = undefined;
    const { model, registry, onFault } = this.#options;
    if (candidate?.mode === 'shadow') {
      this.#shadow = new ShadowRun(model, candidate, (shadow) => registry.appendShadow(shadow));
    } else if (candidate) {
      const version = host.servingFor().identity;
      this.#canary = new CanaryWatch({
        candidate,
        rollout: this.#rollout,
        recent: async (camera) =>
          version
            ? registry.recentOutcomes({ camera, model, version, limit: BASELINE_RESULTS })
            : [],
        rollBack: (cause, reason) => host.rollBackCandidate(cause, reason),
        onFault,
      });
      void this.#canary.begin();
    }
  }

  /** A frame that has its verdict. Must be called while it is held. */
  seen(frame: SeenFrame): void {
    const { result, camera } = frame;
    if (this.#shadow) {
      // What the model failed on has nothing to be compared with.
      if (result.error) return;
      void this.#shadow.show(frame).catch((thrown: unknown) => this.#fault(thrown));
    } else if (
      this.#candidate?.cameras.includes(camera) &&
      isSameVersion(result.model, this.#candidate.generation.identity)
    ) {
      this.#canary?.count(camera, result);
    }
  }

  /** After a person labelled a result: the candidate may be promoted. */
  async labelled(host: ModelHost): Promise<void> {
    const { candidate } = host;
    const [active, other] = [host.servingFor().identity, candidate?.generation.identity];
    if (!candidate || !active || !other) return;
    const { model, registry } = this.#options;
    const rollout = this.#rollout;
    const labels = await registry.labelFigures({
      model,
      active,
      candidate: other,
    });
    if (host.candidate !== candidate) return;
    this.#labels = labels;
    if (rollout.promoteBy !== 'labels' || !isPromotedByLabels(labels, rollout)) return;
    try {
      host.change({ kind: 'promote' }, 'labels');
    } catch (thrown) {
      this.#fault(thrown);
    }
  }

  #fault(thrown: unknown): void {
    const error = VedetteError.from(thrown);
    if (error.code !== 'SHUTTING_DOWN') this.#options.onFault(error);
  }
}
