import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import type { ModelChangeRecord } from './contract/model-lifecycle.ts';
import type { ModelStatus, Notice, RuntimeEvent } from './contract/ports.ts';
import type { ModelHost } from './inference/model-host.ts';
import type { FaultLog } from './logging/fault-log.ts';
import type { Logger } from './logging/create-logger.ts';
import { registered } from './model-memory.ts';
import type { Registry } from './registry/registry.ts';
import { unknownLabels, unknownLabelsText } from './unknown-labels.ts';

export interface ModelRecordsOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly faults: FaultLog;
  readonly notices: readonly Notice[];
  readonly publish: (event: RuntimeEvent) => void;
  readonly notify: (notice: Notice) => void;
  readonly onChange: (change: ModelChangeRecord) => void;
}

/** What becomes of models: kept in the registry, logged, and told to whoever must act. */
export class ModelRecords {
  readonly #options: ModelRecordsOptions;
  /** Faults that were shown to an operator already. */
  readonly #told = new Set<string>();

  constructor(options: ModelRecordsOptions) {
    this.#options = options;
  }

  ready(host: ModelHost, { name, labels }: ModelStatus, config: RuntimeConfig): void {
    const { registry } = this.#options;
    if (host.package) {
      void this.#recorded(registry.upsertModel(registered(host.package)), `model ${name}`);
    }
    this.checkLabels(name, labels ?? [], config);
  }

  /** A model that runs other than it was configured to is an operator's affair; the rest is logged. */
  fault(model: string, error: VedetteError): void {
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
  change(change: ModelChangeRecord): void {
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

  /** A rule on a label that the model does not have would never see anything. */
  checkLabels(model: string, labels: readonly string[], config: RuntimeConfig): void {
    const { notices, notify } = this.#options;
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
