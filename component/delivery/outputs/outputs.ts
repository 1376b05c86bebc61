import { isDeepStrictEqual } from 'node:util';
import type { SecretReference } from '../../contract/config-values.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { MessageChannel } from '../../contract/message-channel.ts';
import type { OutputRecord, OutputStatus } from '../../contract/output.ts';
import type { OutputConfig } from '../../contract/output-config.ts';
import type { NewResult } from '../../contract/ports.ts';
import type { Outcome } from '../../contract/result.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { UnstoredRecords } from '../unstored-records.ts';
import { gpioLine } from './gpio-line.ts';
import { modbusLine } from './modbus-line.ts';
import { mqttOutput } from './mqtt-output.ts';
import type { OutputPort } from './output-port.ts';
import { opcuaLine } from './opcua-line.ts';
import { OutputQueue } from './output-queue.ts';
import { signalOutput } from './signal-output.ts';
import { toldOf } from './output-body.ts';
import { webhookOutput } from './webhook-output.ts';

export interface OutputsOptions {
  readonly channel: MessageChannel | undefined;
  readonly registry: Registry;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly faults: FaultLog;
  /** The folder of certificates for OPC UA. */
  readonly certificateFolder: string;
}

/** Every configured output: which verdict goes to which. */
export class Outputs {
  readonly #options: OutputsOptions;
  readonly #queues = new Map<string, OutputQueue>();
  readonly #writing = new Set<Promise<unknown>>();
  readonly #unwritten: UnstoredRecords<OutputRecord>;
  readonly #stop = new AbortController();

  constructor(options: OutputsOptions) {
    this.#options = options;
    this.#unwritten = new UnstoredRecords({
      store: (record) => this.#refusalOf(record),
      onLost: (record, why) => this.#warnUnrecorded(record, why),
      mayWait: false,
      signal: this.#stop.signal,
    });
  }

  /** Those that changed begin anew; what the ones before had not sent is given up. */
  async use(outputs: Readonly<Record<string, OutputConfig>>): Promise<void> {
    const over = [...this.#queues].filter(
      ([name, { config }]) => !isDeepStrictEqual(config, outputs[name]),
    );
    for (const [name] of over) this.#queues.delete(name);
    for (const [name, config] of Object.entries(outputs)) {
      if (config.isEnabled && !this.#queues.has(name))
        this.#queues.set(name, this.#open(name, config));
    }
    await Promise.all(over.map(([, queue]) => queue.close()));
  }

  /** Tells who is to be told. Takes no time; never throws. */
  tell(result: NewResult): void {
    const told = toldOf(result);
    for (const queue of this.#queues.values()) {
      const { camera, errorCountsAs } = queue.config;
      if (camera !== undefined && camera !== result.camera) continue;
      const given = result.verdict.outcome;
      const outcome = given === 'error' ? errorCountsAs : given;
      if (isTold(queue.config, outcome)) queue.add({ result: told, outcome });
    }
  }

  statuses(): readonly OutputStatus[] {
    return [...this.#queues.values()].map((queue) => queue.status());
  }

  /** Keeps what became of a verdict; after `close` nothing. */
  record(record: OutputRecord): void {
    if (this.#stop.signal.aborted) return;
    const { output, end, detail } = record;
    if (end === 'given-up') {
      this.#options.faults.warn(
        `output/${output}`,
        { output, detail },
        'a verdict could not be told',
      );
    }
    // The records of an output stand in their order.
    const writing = this.#unwritten
      .storeInOrder(record)
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async close(): Promise<void> {
    await this.use({});
    this.#stop.abort();
    await Promise.all(this.#writing);
    await this.#unwritten.ended();
  }

  #open(name: string, config: OutputConfig): OutputQueue {
    const port = openPort(config, this.#options);
    return new OutputQueue({ name, config, port, onEnd: (record) => this.record(record) });
  }

  async #refusalOf(record: OutputRecord): Promise<VedetteError | undefined> {
    try {
      await this.#options.registry.appendOutput(record);
      return undefined;
    } catch (thrown) {
      return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    }
  }

  #warnUnrecorded({ output }: OutputRecord, error: VedetteError): void {
    const { faults } = this.#options;
    faults.warn(`output-record/${error.code}`, { output, error }, 'an output was not recorded');
  }
}

const LOST_LEVEL = 'the level of a line was lost with the program that held it; it is set again';

function openPort(config: OutputConfig, options: OutputsOptions): OutputPort {
  const { channel, readSecret, faults } = options;
  switch (config.kind) {
    case 'webhook':
      return webhookOutput(config, readSecret);
    case 'mqtt':
      return mqttOutput(config, channel);
    case 'modbus':
      return signalOutput(config, modbusLine(config));
    case 'gpio':
      return signalOutput(
        config,
        gpioLine(config, (error) =>
          faults.warn(`gpio-line/${config.chip}/${config.line}`, { error }, LOST_LEVEL),
        ),
      );
    case 'opcua':
      return signalOutput(config, opcuaLine(config, options));
  }
}

const isTold = (config: OutputConfig, outcome: Outcome): boolean =>
  'values' in config ? config.values[outcome] !== undefined : config.outcomes[outcome];
