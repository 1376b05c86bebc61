import path from 'node:path';
import { configurationChanges } from '../configuration/configuration-changes.ts';
import { configurationHash } from '../configuration/configuration-hash.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import { DeviceControl, maintenanceOf } from '../control/device-control.ts';
import type { Maintenance } from '../control/maintenance.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  DeploymentConfiguration,
  ReadConfiguration,
} from '../greengrass/deployment-configuration.ts';
import { DeploymentWatch } from '../greengrass/deployment-watch.ts';
import { ExitAllowance } from '../greengrass/exit-allowance.ts';
import { ExitWhenIdle } from '../greengrass/exit-when-idle.ts';
import type { IpcChannel } from '../greengrass/ipc-channel.ts';
import type { IpcConnection } from '../greengrass/ipc-connection.ts';
import { SubscriptionWatch } from '../greengrass/subscription-watch.ts';
import { gateUpdates } from '../greengrass/update-gate.ts';
import type { Logger } from '../logging/create-logger.ts';
import {
  ConfigurationKeeper,
  type AwaitedChange,
  type ReadLayers,
} from './configuration-keeper.ts';
import type { VedetteProcess } from './vedette-process.ts';

export interface ComponentParts {
  readonly vedette: VedetteProcess;
  readonly deployment: DeploymentConfiguration;
  readonly logger: Logger;
  readonly workFolder: string;
  /** What the process was started with. */
  readonly first: ReadConfiguration;
  readonly channel: IpcChannel;
}

/** What goes on between the nucleus and a runtime that runs. */
export class GreengrassComponent {
  readonly #parts: ComponentParts;
  readonly #maintenance: Maintenance;
  readonly #keeper: ConfigurationKeeper;
  readonly #watch: DeploymentWatch;
  readonly #exit: ExitWhenIdle;

  constructor(parts: ComponentParts) {
    const { vedette, deployment, logger, workFolder, first } = parts;
    this.#parts = parts;
    const { runtime } = vedette;
    this.#maintenance = maintenanceOf(runtime);
    const layersOf = ({ loaded, values, refusal }: ReadConfiguration): ReadLayers => ({
      loaded,
      refusal,
      keep: () => deployment.keep(values),
      deployment: configurationHash(values),
    });
    this.#keeper = new ConfigurationKeeper({
      vedette,
      logger,
      first: layersOf(first),
      read: async (station) => layersOf(await deployment.read(station)),
      lastGood: async (station) => {
        const lastGood = await deployment.lastGood(station);
        return lastGood && layersOf(lastGood);
      },
      waitFor: (asked, before) => this.#waitFor(asked, before),
    });
    this.#watch = new DeploymentWatch({
      deployment,
      logger,
      refresh: (by) => this.#keeper.refresh(by),
    });
    this.#exit = new ExitWhenIdle({
      allowance: new ExitAllowance(path.join(workFolder, 'exits.json')),
      logger,
      watchResults: (listener) => runtime.subscribe(({ kind }) => kind === 'result' && listener()),
      isInsideWindow: () => this.#maintenance.isInsideWindow,
      isBusy: () => runtime.busyReasons().length > 0,
      exit: () => vedette.stop('to be started again by the nucleus', 1),
    });
  }

  /** Remembers what runs, and follows the station file. */
  async openConfiguration(): Promise<void> {
    await this.#keeper.open();
  }

  async connected(connection: IpcConnection): Promise<void> {
    const { logger } = this.#parts;
    await this.#watch.connected(connection);
    await gateUpdates(
      connection,
      (deployment) => this.#maintenance.ask(deployment, 'update'),
      logger,
    );
    await connection.report('RUNNING');
    this.#watch.changed();
  }

  /** Presence, device shadow and commands; once, after the first connection. */
  async openControl(): Promise<void> {
    const { vedette, logger, channel } = this.#parts;
    const { runtime } = vedette;
    const control = new DeviceControl({
      channel,
      logger,
      runtime,
      maintenance: this.#maintenance,
      shadow: { reload: () => this.#keeper.reload('device shadow') },
    });
    vedette.accompany(control);
    await control.open();
    const watch = new SubscriptionWatch({ thing: runtime.config.thing, channel, logger });
    vedette.accompany(watch);
    await watch.open().catch((thrown: unknown) => {
      const error = VedetteError.from(thrown).serialize();
      logger.warn({ error }, 'lost subscriptions are not noticed');
    });
  }

  /** The nucleus refuses the token of this process. */
  lostForGood(): void {
    this.#exit.begin();
  }

  /** What makes cameras or models pause, or the process start again, waits for the line. */
  #waitFor(asked: ReadLayers, before: LoadedConfiguration): AwaitedChange | undefined {
    const changes = configurationChanges(before.config, asked.loaded.config);
    if (changes.every(({ restart }) => restart === undefined || restart === 'server'))
      return undefined;
    // By what the deployment says alone: what the station changes meanwhile does not begin the wait anew.
    const answer = this.#maintenance.ask(`configuration ${asked.deployment ?? ''}`, 'change');
    if (answer.mayPass) return undefined;
    const text = `the configuration of the deployment waits: ${answer.reasons.join('; ')}`;
    this.#parts.logger.info(text);
    const { recheckAfterMs } = answer;
    const details = { recheckAfterMs };
    return { reason: new VedetteError('MAINTENANCE_AWAITED', text, { details }), recheckAfterMs };
  }
}
