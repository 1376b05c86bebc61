import { readRemoteSettings, writeRemoteSettings } from '../configuration/remote-settings.ts';
import type { DeviceHealth } from '../contract/device-health.ts';
import type { DesiredCamera } from '../contract/device-desired.ts';
import { VedetteError } from '../contract/errors.ts';
import type { MessageChannel } from '../contract/message-channel.ts';
import type { RuntimeEvent } from '../contract/ports.ts';
import type { EdgeRuntime } from '../edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';
import { settledWithin } from '../timing/settled-within.ts';
import { FiguresWindow } from './camera-figures.ts';
import { CommandMemory } from './command-memory.ts';
import { CommandService, type CommandActions } from './command-service.ts';
import { DesiredState, type DesiredActions } from './desired-state.ts';
import { DeviceShadow } from './device-shadow.ts';
import { composeHealth, type DeliveryHealth } from './health-document.ts';
import { Maintenance } from './maintenance.ts';
import { Presence } from './presence.ts';
import type { ShadowTree } from './shadow-diff.ts';
import { ShadowNames } from './shadow-names.ts';
import { swapModel } from './swap-model.ts';

export interface DeviceControlOptions {
  readonly channel: MessageChannel;
  readonly logger: Logger;
  readonly runtime: EdgeRuntime;
  readonly maintenance: Maintenance;
  /** The device shadow, which AWS IoT alone offers. */
  readonly shadow?: {
    /** Reads every layer of the configuration again and applies it. @throws VedetteError why it is refused */
    readonly reload: () => Promise<void>;
  };
}

/** So long, in milliseconds, a process that ends waits for commands and what the shadow desires. */
const CLOSE_MS = 1000;

/** When a runtime's line may be disturbed; what disturbs it all the same is shown to an operator. */
export function maintenanceOf(runtime: EdgeRuntime): Maintenance {
  return new Maintenance({
    config: () => runtime.config.maintenance,
    // A change of the configuration lets a picture that is judged come to its end.
    busy: (kind) => (kind === 'update' ? runtime.busyReasons() : runtime.inspectionReasons()),
    onForced: ({ change, reasons, maxDeferralHours }) => {
      const text = `${change} has waited ${maxDeferralHours} h and passes in spite of: ${reasons.join('; ')}`;
      const error = new VedetteError('MAINTENANCE_OVERRUN', text, { details: { change, reasons } });
      runtime.notify({ atMs: Date.now(), level: 'warn', error: error.serialize() });
    },
  });
}

/** Presence, shadow and commands of one device over one channel. */
export class DeviceControl {
  readonly #options: DeviceControlOptions;
  readonly #figures = new FiguresWindow();
  readonly #states = new Map<string, string>();
  readonly #presence: Presence;
  readonly #desired: DesiredState;
  #shadow: DeviceShadow | undefined;
  #names: ShadowNames | undefined;
  #commands: CommandService | undefined;
  #unsubscribe: () => void = () => {};

  constructor(options: DeviceControlOptions) {
    const { channel, logger, maintenance, runtime } = options;
    this.#options = options;
    const { thing } = runtime.config;
    this.#desired = new DesiredState({
      actions: this.#desiredActions(options.shadow?.reload ?? (async () => {})),
      maintenance,
      onChange: () => this.changed(),
    });
    this.#presence = new Presence({
      thing,
      channel,
      logger,
      config: () => runtime.config.remote,
      compose: async (availability, sequence) => {
        const state = maintenance.state('update');
        return composeHealth({
          runtime: runtime,
          figures: this.#figures,
          holds: state.mayPass ? [] : state.reasons,
          ...overrunOf(runtime),
          refused: this.#desired.refused,
          delivery: await deliveryHealth(runtime),
          availability,
          sequence,
        });
      },
      onDocument: (document) => this.#report(document),
    });
  }

  /** Subscriptions that are refused are logged; presence goes on without them. */
  async open(): Promise<void> {
    const { channel, logger, runtime, shadow } = this.#options;
    const { thing, dataFolder } = runtime.config;
    this.#unsubscribe = runtime.subscribe((event) => this.#hear(event));
    this.#commands = new CommandService({
      thing,
      channel,
      logger,
      memory: await CommandMemory.open(dataFolder),
      actions: this.#commandActions(),
      isEnabled: () => runtime.config.remote.areCommandsEnabled,
    });
    await this.#tolerated(this.#commands.open(), 'commands');
    if (shadow) {
      this.#names = await ShadowNames.open(dataFolder);
      this.#shadow = new DeviceShadow({
        thing,
        channel,
        logger,
        earlier: this.#names.earlier,
        onDelta: (state) => {
          if (runtime.config.remote.isShadowEnabled) this.#desired.take(state);
        },
      });
      await this.#tolerated(this.#shadow.open(), 'the device shadow');
    }
    this.#presence.open();
  }

  changed(): void {
    this.#presence.changed();
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    const parts = [this.#commands, this.#desired, this.#shadow];
    await settledWithin(Promise.allSettled(parts.map(async (part) => part?.close())), CLOSE_MS);
    await this.#presence.close();
  }

  #report(document: object): void {
    const { runtime, logger } = this.#options;
    if (!this.#shadow || !runtime.config.remote.isShadowEnabled) return;
    this.#shadow.report(document as ShadowTree);
    this.#names?.keep(document as ShadowTree).catch((error: unknown) => {
      logger.warn({ error: VedetteError.from(error) }, 'names in the shadow could not be kept');
    });
  }

  #hear(event: RuntimeEvent): void {
    if (event.kind === 'result') this.#figures.count(event.result);
    else if (this.#isChange(event)) this.changed();
  }

  /** Whether an event says more than that rates differ. */
  #isChange(event: RuntimeEvent): boolean {
    if (event.kind === 'notice') return event.notice.error.code === 'MAINTENANCE_OVERRUN';
    if (event.kind !== 'camera' && event.kind !== 'model') return true;
    const status = event.kind === 'camera' ? event.camera : event.model;
    const key = `${event.kind} ${status.name}`;
    const now = `${status.state} ${status.reason?.code}`;
    const before = this.#states.get(key);
    this.#states.set(key, now);
    return before !== now;
  }

  #desiredActions(reload: () => Promise<void>): DesiredActions {
    const { runtime } = this.#options;
    return {
      activePackage: (model) => runtime.model(model).lifecycle?.active.package,
      swapModel: (model, wanted, signal) => swapModel(runtime, model, wanted, signal),
      camera: (name) => {
        runtime.camera(name);
        const { isEnabled, captureMode } = runtime.config.cameras[name]!;
        return { isEnabled, captureMode };
      },
      setCameras: async (changes) => {
        const { dataFolder } = runtime.config;
        const before = await readRemoteSettings(dataFolder);
        const cameras: Record<string, DesiredCamera> = { ...before.cameras };
        for (const [name, change] of Object.entries(changes)) {
          cameras[name] = { ...cameras[name], ...change };
        }
        await writeRemoteSettings(dataFolder, { cameras });
        try {
          await reload();
        } catch (error) {
          await writeRemoteSettings(dataFolder, before);
          throw error;
        }
      },
    };
  }

  #commandActions(): CommandActions {
    const { runtime } = this.#options;
    return {
      snapshot: async ({ camera }, signal) => {
        const { id, resultId, outcome, byteLength } = await runtime.snapshot(camera, signal);
        return { captureId: id, resultId, outcome, byteLength };
      },
      'upload-capture': async ({ captureId }) => ({ ...(await runtime.uploadCapture(captureId)) }),
      'label-result': async ({ resultId, outcome, note }) => {
        await runtime.labelResult({ resultId, outcome, ...(note === undefined ? {} : { note }) });
        return {};
      },
      'restart-camera': async ({ camera }) => {
        await runtime.restartCamera(camera);
        return { state: runtime.camera(camera).state };
      },
      'change-model': async ({ model, change }) => {
        const { lifecycle } = await runtime.changeModel(model, { kind: change });
        return { active: lifecycle?.active.package, isPinned: lifecycle?.isPinned };
      },
      'report-health': async () => {
        const { sequence } = await this.#presence.tell();
        return { sequence };
      },
    };
  }

  async #tolerated(opening: Promise<void>, what: string): Promise<void> {
    try {
      await opening;
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      this.#options.logger.warn({ error }, `${what}: a subscription was refused`);
    }
  }
}

/** The last change that did not wait any longer, also of the process before. */
function overrunOf(runtime: EdgeRuntime): Pick<DeviceHealth, 'overrun'> {
  const last = runtime.notices().findLast(({ error }) => error.code === 'MAINTENANCE_OVERRUN');
  if (!last) return {};
  return { overrun: { at: new Date(last.atMs).toISOString(), message: last.error.message } };
}

async function deliveryHealth(runtime: EdgeRuntime): Promise<DeliveryHealth | undefined> {
  const status = await runtime.deliveryStatus();
  if (!status.isEnabled) return undefined;
  const { waiting, capturesWaiting, oldestAgeMs, givenUp } = status;
  return {
    waiting: waiting.alarms + waiting.others + capturesWaiting,
    oldestSeconds: Math.round(oldestAgeMs / 1000),
    givenUp: Object.values(givenUp).reduce((sum, count) => sum + count, 0),
  };
}
