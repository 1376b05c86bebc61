import { isAbsolute } from 'node:path';
import { configurationChanges } from './configuration/configuration-changes.ts';
import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import type { ChangeCause, ModelChangeRequest } from './contract/model-lifecycle.ts';
import { isModelReference } from './contract/model-manifest.ts';
import type { ModelStatus } from './contract/ports.ts';
import type { CameraModel } from './inference/chain/camera-model.ts';
import type { ModelChain } from './inference/chain/model-chain.ts';
import { ModelHost } from './inference/model-host.ts';
import type { CloseReport, PreparedModel } from './inference/model-host.ts';
import type { RuntimeLibrary } from './inference/execution/runtime-library.ts';
import type { ModelStore } from './inference/model-store/model-store.ts';
import { chainsOf, modelIn, settingsOf, startAdded } from './fleet-models.ts';
import type { FleetModel } from './fleet-models.ts';
import { modelTrust, versionStore } from './model-memory.ts';
import { ModelRecords } from './model-records.ts';
import type { ModelRecordsOptions } from './model-records.ts';
import { CandidateWatch } from './pipeline/candidate/candidate-watch.ts';

export interface ModelFleetOptions extends ModelRecordsOptions {
  readonly config: RuntimeConfig;
  readonly store: ModelStore;
  /** The device's own ONNX Runtime; the one that Vedette brings when absent. */
  readonly library: RuntimeLibrary | undefined;
}

/** Models by another configuration, see `ConfiguredVersion`. */
export interface PreparedModels extends PreparedModel {
  /** Of the new configuration. @throws VedetteError MODEL_NOT_FOUND */
  cameraModel(name: string): CameraModel;
}

/** Every configured model: started, changed, watched and closed together. */
export class ModelFleet {
  readonly #options: ModelFleetOptions;
  readonly #records: ModelRecords;
  #config: RuntimeConfig;
  #models: ReadonlyMap<string, FleetModel>;
  #chains: ReadonlyMap<string, ModelChain>;
  /** Of a configuration that is not in force yet. */
  #coming: readonly FleetModel[] = [];

  constructor(options: ModelFleetOptions) {
    const { config } = options;
    this.#options = options;
    this.#records = new ModelRecords(options);
    this.#config = config;
    this.#models = new Map(
      Object.keys(config.models).map((name) => [name, this.#create(name, config)]),
    );
    this.#chains = chainsOf(config, this.#models);
  }

  start(): void {
    for (const { host } of this.#models.values()) void host.start();
  }

  /**
   * Loads what another configuration asks for, beside what runs.
   * @throws VedetteError of the first model that cannot be used as it asks; nothing has changed then
   */
  async prepare(next: RuntimeConfig): Promise<PreparedModels> {
    const models = new Map<string, FleetModel>();
    const added: FleetModel[] = [];
    const prepared: PreparedModel[] = [];
    const loading: Promise<void>[] = [];
    for (const name of Object.keys(next.models)) {
      const known = this.#models.get(name);
      const model = known ?? this.#create(name, next);
      models.set(name, model);
      if (!known) added.push(model);
      this.#coming = added;
      const work = known ? this.#prepareKnown(name, model, next) : startAdded(model);
      loading.push(work.then((one) => void (one && prepared.push(one))));
    }
    const discard = async () => {
      this.#coming = [];
      const closing = added.map(({ host }) => host.close(0));
      await Promise.all([...closing, ...prepared.map((one) => one.discard())]);
    };
    const failed = (await Promise.allSettled(loading)).find(({ status }) => status === 'rejected');
    if (failed) {
      await discard();
      throw (failed as PromiseRejectedResult).reason;
    }
    const chains = chainsOf(next, models);
    const removed = [...this.#models].filter(([name]) => !models.has(name));
    return {
      cameraModel: (name) => chains.get(name) ?? modelIn(models, chains, name).host,
      remember: async () => {
        for (const one of prepared) await one.remember();
      },
      assign: () => {
        this.#config = next;
        this.#models = models;
        this.#chains = chains;
        this.#coming = [];
        for (const one of prepared) one.assign();
        for (const [name, { host, candidates }] of models) {
          candidates.configure(next.models[name]!.rollout);
          this.#records.checkLabels(name, host.package?.labels ?? [], next);
        }
      },
      finish: async () => {
        const closing = removed.map(([, { host }]) => host.close(REMOVED_DRAIN_MS));
        await Promise.all([...closing, ...prepared.map((one) => one.finish())]);
      },
      discard,
    };
  }

  async #prepareKnown(
    name: string,
    { host }: FleetModel,
    next: RuntimeConfig,
  ): Promise<PreparedModel | undefined> {
    const changes = configurationChanges(this.#config, next).filter(
      ({ keys }) => (keys[0] === 'models' && keys[1] === name) || keys[0] === 'limits',
    );
    if (changes.length === 0) return undefined;
    const isReloaded = changes.some(
      ({ keys, restart }) => restart === 'model' && keys[2] !== 'package',
    );
    return host.prepare({ ...settingsOf(name, next), isReloaded });
  }

  /** A model by itself. @throws VedetteError MODEL_NOT_FOUND, REQUEST_INVALID for a chain */
  model(name: string): FleetModel {
    return modelIn(this.#models, this.#chains, name);
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
  change(name: string, request: ModelChangeRequest, cause?: ChangeCause): ModelStatus {
    const { host } = this.model(name);
    if (request.kind === 'propose') this.#checkProposal(name, request);
    host.change(request, cause);
    return host.status();
  }

  /** After a person labelled a result. */
  async labelled(): Promise<void> {
    const models = [...this.#models.values()];
    await Promise.all(models.map(({ host, candidates }) => candidates.labelled(host)));
  }

  async close(drainMs: number): Promise<CloseReport> {
    const models = [...this.#models.values(), ...this.#coming];
    const reports = await Promise.all(models.map(({ host }) => host.close(drainMs)));
    return { isInsideRun: reports.some(({ isInsideRun }) => isInsideRun) };
  }

  #create(name: string, config: RuntimeConfig): FleetModel {
    const { registry, store, library, logger, publish } = this.#options;
    const settings = settingsOf(name, config);
    const onFault = (error: VedetteError) => this.#records.fault(name, error);
    const candidates = new CandidateWatch({
      model: name,
      rollout: settings.config.rollout,
      registry,
      onFault,
    });
    let last: string | undefined;
    const host: ModelHost = new ModelHost({
      name,
      ...settings,
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
        if (model.state === 'ready') this.#records.ready(host, model, this.#config);
      },
      onFault,
      onRecord: (change) => this.#records.change(change),
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
      const config = this.#config.cameras[camera];
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
}

/** Longest wait for what a model that is no longer configured has accepted, in milliseconds. */
const REMOVED_DRAIN_MS = 4000;
