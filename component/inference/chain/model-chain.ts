import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FRAME_INPUT } from '../../contract/chain-config.ts';
import type { ChainConfig } from '../../contract/chain-config.ts';
import { VedetteError } from '../../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelState,
  ModelStatus,
} from '../../contract/ports.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import type { ModelHost } from '../model-host.ts';
import type { ModelPackage } from '../package/read-package.ts';
import { decoderOf, firstStep, runChain } from './run-chain.ts';
import type { ChainStep } from './run-chain.ts';

/** Decoders whose findings have places that crops can be made of. */
const WITH_PLACES: ReadonlySet<string> = new Set([
  'end-to-end-detections',
  'end-to-end-oriented-boxes',
  'end-to-end-segments',
  'labelled-boxes',
  'mask-rcnn',
  'rf-detr',
  'rt-detr',
  'scored-boxes',
  'text-detection',
  'yolo-detections',
  'yolo-oriented-boxes',
  'yolo-segments',
  'yolox',
]);

/** Worst last: a chain is in the state of the worst of its models. */
const STATES: readonly ModelState[] = [
  'ready',
  'warming-up',
  'probing',
  'loading',
  'failed',
  'closed',
];

const LOOK_AGAIN_MS = 500;

/** What is configured of the models that steps name; the configuration was checked, so that they exist. */
export interface ChainModels {
  readonly host: (name: string) => ModelHost;
  readonly tiling: (name: string) => TilingConfig | undefined;
}

/**
 * Models that answer together: the first finds parts of a picture, the others look at those. It has no
 * workers of its own; its models answer others at the same time.
 */
export class ModelChain {
  readonly name: string;
  readonly #steps: ReadonlyMap<string, ChainStep>;
  readonly #first: ChainStep;
  readonly #models: ChainModels;

  constructor(name: string, config: ChainConfig, models: ChainModels) {
    this.name = name;
    this.#models = models;
    this.#steps = new Map(
      Object.entries(config.steps).map(([step, own]) => [
        step,
        { name: step, config: own, host: models.host(own.model) },
      ]),
    );
    this.#first = this.#steps.get(firstStep(config))!;
  }

  get isReady(): boolean {
    return this.#hosts.every((host) => host.isReady);
  }

  /** One of its models answers no more. */
  get isClosed(): boolean {
    return this.#hosts.some((host) => host.isClosed);
  }

  /** That of the first step: its labels and detections are those of the result. */
  get package(): ModelPackage | undefined {
    return this.#first.host.package;
  }

  /** Of the first step, in place of its model's own. */
  get scoreThreshold(): number | undefined {
    return this.#first.config.scoreThreshold;
  }

  /** Resolves when every model is ready, or will never be. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    for (const host of this.#hosts) await host.whenReady(signal);
    // One may have begun anew while another was waited for.
    while (!this.isReady && !this.isClosed && !signal?.aborted) {
      await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * @param tiling how the first step sees the picture; as its model's configuration says when absent
   * @throws VedetteError MODEL_MISMATCH when a model gives nothing that the step behind it could look
   * at, and as ModelHost.infer; the message and `details.step` name the step
   */
  async infer(request: InferenceRequest, tiling?: TilingConfig): Promise<InferenceAnswer> {
    const fault = this.#fault();
    if (fault) throw fault;
    const { identities, ...answer } = await runChain(this.#steps, this.#first, {
      request,
      tiling: tiling ?? this.#models.tiling(this.#first.host.name),
    });
    return { ...answer, model: this.#identity((step) => identities.get(step.name))! };
  }

  status(): ModelStatus {
    const all = this.#hosts.map((host) => host.status());
    const [worst] = [...all].sort((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state));
    const fault = this.#fault();
    const identity = this.#identity(() => undefined);
    const sum = (value: (status: ModelStatus) => number) =>
      all.reduce((total, status) => total + value(status), 0);
    const reason = fault?.serialize() ?? worst!.reason;
    return {
      name: this.name,
      state: fault ? 'failed' : worst!.state,
      stateSinceMs: worst!.stateSinceMs,
      ...(reason ? { reason } : {}),
      ...(identity ? { identity } : {}),
      task: 'chain',
      description: [...this.#steps.values()]
        .map(({ name, config, host }) => `${name}: ${host.name} on ${config.input}`)
        .join('; '),
      steps: Object.fromEntries([...this.#steps].map(([name, { host }]) => [name, host.name])),
      labels: this.package?.labels ?? [],
      workers: 0,
      readyWorkers: 0,
      queueDepth: sum(({ queueDepth }) => queueDepth),
      inFlight: sum(({ inFlight }) => inFlight),
      inferences: this.#first.host.status().inferences,
      failures: sum(({ failures }) => failures),
      replacements: sum(({ replacements }) => replacements),
    };
  }

  get #hosts(): ModelHost[] {
    return [...new Set([...this.#steps.values()].map(({ host }) => host))];
  }

  /** What no configuration alone shows: a step behind a model that finds no places. */
  #fault(): VedetteError | undefined {
    const problems = [...this.#steps.values()].flatMap((step) => {
      const { input } = step.config;
      if (input === FRAME_INPUT) return this.#directionFirst(step);
      const before = this.#steps.get(input)!;
      const decoder = decoderOf(before);
      if (decoder === undefined || decoder === 'text-direction' || WITH_PLACES.has(decoder)) {
        return [];
      }
      return [
        `chains.${this.name}.steps.${step.name}.input is '${input}', but decoder '${decoder}' of its model ${before.host.name} finds no boxes and no lines to make crops of`,
      ];
    });
    if (problems.length === 0) return undefined;
    return new VedetteError('MODEL_MISMATCH', problems.join('; '), { details: { problems } });
  }

  #directionFirst(step: ChainStep): string[] {
    if (decoderOf(step) !== 'text-direction') return [];
    return [
      `chains.${this.name}.steps.${step.name} takes the frame, but its model ${step.host.name} tells the direction of a line: set \`input\``,
    ];
  }

  /** Of the models that answered, else of those that would; `undefined` until all are known. */
  #identity(answered: (step: ChainStep) => ModelIdentity | undefined): ModelIdentity | undefined {
    const models = [...this.#steps.values()].flatMap((step) => {
      const identity = answered(step) ?? step.host.status().identity;
      return identity ? [{ step: step.name, ...identity }] : [];
    });
    if (models.length < this.#steps.size) return undefined;
    const joined = (part: (model: ModelIdentity) => string) =>
      [...new Set(models.map(part))].join('+');
    return {
      name: this.name,
      version: models.map(({ version }) => version).join('+'),
      sha256: createHash('sha256')
        .update(models.map(({ sha256 }) => sha256).join(' '))
        .digest('hex'),
      variant: joined(({ variant }) => variant),
      executionProvider: joined(({ executionProvider }) => executionProvider),
      models,
    };
  }
}
