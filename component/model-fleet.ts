import { isAbsolute } from 'node:path';
import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import type { ModelChangeRecord, ModelChangeRequest } from './contract/model-lifecycle.ts';
import { isModelReference } from './contract/model-manifest.ts';
import type { ModelStatus, Notice, RuntimeEvent } from './contract/ports.ts';
import type { CameraModel } from './inference/chain/camera-model.ts';
import { ModelChain } from './inference/chain/model-chain.ts';
import { ModelHost } from './inference/model-host.ts';
import type { CloseReport } from './inference/model-host.ts';
import { workerCount } from './inference/worker-count.ts';
import type { RuntimeLibrary } from './inference/execution/runtime-library.ts';
import type { ModelStore } from './inference/model-store/model-store.ts';
import type { Logger } from './logging/create-logger.ts';
import type { FaultLog } from './logging/fault-log.ts';
import { modelTrust, registered, versionStore } from './model-memory.ts';
import { CandidateWatch } from './pipeline/candidate/candidate-watch.ts';
import type { Registry } from './registry/registry.ts';
import { unknownLabels, unknownLabelsText } from './unknown-labels.ts';

export interface ModelFleetOptions {
  readonly config: RuntimeConfig;
  readonly registry: Registry;
  readonly store: ModelStore;
  /** The device's own ONNX Runtime; the one that Vedette brings when absent. */
  readonly library: RuntimeLibrary | undefined;
  readonly logger: Logger;
  readonly faults: FaultLog;
  readonly notices: readonly Notice[];
  readonly publish: (event: RuntimeEvent) => void;
  readonly notify: (notice: Notice) => void;
  readonly onChange: (change: ModelChangeRecord) => void;
}

/** A model and what is found out about its candidate. */
export interface FleetModel {
  readonly host: ModelHost;
  readonly candidates: CandidateWatch;
}

/** Every configured model: started, changed, watched and closed together. */
export class ModelFleet {
  readonly #options: ModelFleetOptions;
  readonly #models = new Map<string, FleetModel>();
  readonly #chains = new Map<string, ModelChain>();
  /** Faults that were shown to an operator already. */
  readonly #told = new Set<string>();

  constructor(options: ModelFleetOptions) {
    this.#options = options;
    for (const name of Object.keys(options.config.models)) {
      this.#models.set(name, this.#create(name));
    }
    const { models, chains } = options.config;
    for (const [name, chain] of Object.entries(chains)) {
      const parts = {
        host: (model: string) => this.model(model).host,
        tiling: (model: string) => models[model]?.tiling,
      };
      this.#chains.set(name, new ModelChain(name, chain, parts));
    }
  }

  start(): void {
    for (const { host } of this.#models.values()) void host.start();
  }

  /** A model by itself. @throws VedetteError MODEL_NOT_FOUND, REQUEST_INVALID for a chain */
  model(name: string): FleetModel {
    const model = this.#models.get(name);
    if (model) return model;
    if (this.#chains.has(name)) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `${name} is a chain of models, which has no tensors and no versions of its own; ask POST /api/v1/models/${name}/infer, or one of its models`,
      );
    }
    const names = [...this.#models.keys()].slice(0, 20).join(', ');
    const known = names === '' ? 'none is configured' : `configured are ${names}`;
    throw new VedetteError('MODEL_NOT_FOUND', `No model is named ${name}; ${known}`);
  }

  /** A model or a chain. @throws VedetteError MODEL_NOT_FOUND */
  cameraModel(name: string): CameraModel {
    return this.#chains.get(name) ?? this.model(name).host;
  }

  /** Of a model; a chain has no candidate. */
  candidatesOf(name: string): CandidateWatch | undefined {
    return this.#models.get(name)?.candidates;
  }

  /** Of models and chains. */
  allStatuses(): readonly ModelStatus[] {
    return [...this.statuses(), ...[...this.#chains.values()].map((chain) => chain.status())];
  }

  statuses(): readonly ModelStatus[] {
    return [...this.#models.values()].map(({ host }) => host.status());
  }

  /**
   * Begins a change of a model's versions.
   * @throws VedetteError MODEL_NOT_FOUND, CAMERA_NOT_FOUND, REQUEST_INVALID, and as ModelHost.change
   */
  change(name: string, request: ModelChangeRequest): ModelStatus {
    const { host } = this.model(name);
    if (request.kind === 'propose') this.#checkProposal(name, request);
    host.change(request);
    return host.status();
  }

  /** After a person labelled a result. */
  async labelled(): Promise<void> {
    const models = [...this.#models.values()];
    await Promise.all(models.map(({ host, candidates }) => candidates.labelled(host)));
  }

  async close(drainMs: number): Promise<CloseReport> {
    const models = [...this.#models.values()];
    const reports = await Promise.all(models.map(({ host }) => host.close(drainMs)));
    return { isInsideRun: reports.some(({ isInsideRun }) => isInsideRun) };
  }

  #create(name: string): FleetModel {
    const { config, registry, store, library, logger, publish } = this.#options;
    const configured = config.models[name];
    if (!configured) throw new VedetteError('MODEL_NOT_FOUND', `No model is named ${name}`);
    const workers = workerCount(configured, Object.keys(config.models).length);
    const modelConfig = { ...configured, workers };
    const onFault = (error: VedetteError) => this.#onFault(name, error);
    const candidates = new CandidateWatch({
      model: name,
      rollout: modelConfig.rollout,
      registry,
      onFault,
    });
    let last: string | undefined;
    const host: ModelHost = new ModelHost({
      name,
      config: modelConfig,
      maxImagePixels: config.limits.maxImagePixels,
      trust: modelTrust(registry),
      store,
      library,
      versionStore: versionStore(registry, name),
      candidateFigures: () => candidates.figures(),
      onChange: (model) => {
        candidates.follow(host);
        publish({ kind: 'model', model });
        this.#publishChainsOf(name);
        const { version, sha256 } = model.identity ?? {};
        const now = `${model.state} ${version} ${sha256}`;
        if (now === last) return;
        last = now;
        logger.info({ model: name, state: model.state }, `model ${name} is ${model.state}`);
        if (model.state === 'ready') this.#onReady(host, model);
      },
      onFault,
      onRecord: (change) => this.#onRecord(change),
    });
    return { host, candidates };
  }

  /** A chain is in the state of its models. */
  #publishChainsOf(model: string): void {
    for (const chain of this.#chains.values()) {
      const status = chain.status();
      if (!Object.values(status.steps ?? {}).includes(model)) continue;
      this.#options.publish({ kind: 'model', model: status });
    }
  }

  #onReady(host: ModelHost, { name, labels }: ModelStatus): void {
    const { registry } = this.#options;
    if (host.package) {
      void this.#recorded(registry.upsertModel(registered(host.package)), `model ${name}`);
    }
    this.#checkLabels(name, labels ?? []);
  }

  /** A model that runs other than it was configured to is an operator's affair; the rest is logged. */
  #onFault(model: string, error: VedetteError): void {
    const { registry, notify, faults } = this.#options;
    const { code, details } = error;
    const text = `model ${model}: ${error.message}`;
    if (code !== 'EXECUTION_PROVIDER_UNAVAILABLE' && details['isServed'] !== true) {
      faults.error(`model/${model}/${code}`, { model, error }, text);
      return;
    }
    const key = JSON.stringify([model, code, details['executionProvider']]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const told = new VedetteError(code, text, { cause: error, details: { ...details, model } });
    const notice: Notice = { atMs: Date.now(), level: 'warn', error: told.serialize() };
    notify(notice);
    void this.#recorded(registry.appendNotice(notice), text);
  }

  /** A line of the history: kept, told, and shown to an operator when nobody asked for it. */
  #onRecord(change: ModelChangeRecord): void {
    const { registry, logger, publish, onChange, notify } = this.#options;
    const { model, kind, package: named, reason, cause } = change;
    const text = `model ${model}: ${named} was ${kind}`;
    logger.info({ change }, reason ? `${text}: ${reason.message}` : text);
    onChange(change);
    publish({ kind: 'model-change', change });
    void this.#recorded(registry.appendModelChange(change), text);
    if (!reason) return;
    const level = kind === 'refused' || (kind === 'rolled-back' && cause !== 'person');
    const notice: Notice = { atMs: change.atMs, level: level ? 'error' : 'warn', error: reason };
    notify(notice);
    void this.#recorded(registry.appendNotice(notice), text);
  }

  #checkProposal(name: string, request: ModelChangeRequest & { kind: 'propose' }): void {
    const { package: named, mode, cameras } = request;
    if (!isModelReference(named) && !isAbsolute(named)) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `'${named}' is neither an installed name@version nor an absolute path of a package on the device`,
      );
    }
    if ((mode === 'canary') !== cameras.length > 0) {
      throw new VedetteError(
        'REQUEST_INVALID',
        mode === 'canary'
          ? 'a canary needs the cameras that act on it'
          : `cameras are chosen for a canary, not for ${mode}`,
      );
    }
    for (const camera of cameras) {
      const config = this.#options.config.cameras[camera];
      if (!config) throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${camera}`);
      const used = [config.model, ...Object.values(config.products).map(({ model }) => model)];
      if (used.includes(name) && config.isEnabled) continue;
      throw new VedetteError(
        'REQUEST_INVALID',
        config.isEnabled
          ? `camera ${camera} does not use model '${name}', but '${config.model}'`
          : `camera ${camera} is disabled`,
      );
    }
  }

  /** A rule on a label that the model does not have would never see anything. */
  #checkLabels(model: string, labels: readonly string[]): void {
    const { config, notices, notify } = this.#options;
    if (labels.length === 0) return;
    const unknown = unknownLabels(config, model, labels);
    if (unknown.length === 0) return;
    const text = unknownLabelsText(model, unknown);
    if (notices.some(({ error }) => error.message === text)) return;
    const error = new VedetteError('CONFIG_INVALID', text, { details: { model, unknown } });
    notify({ atMs: Date.now(), level: 'warn', error: error.serialize() });
  }

  /** What the registry knows of models is for reading back; a failure is no reason to stop. */
  async #recorded(recording: Promise<void>, what: string): Promise<void> {
    try {
      await recording;
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      this.#options.logger.warn({ error }, `${what} could not be recorded`);
    }
  }
}
