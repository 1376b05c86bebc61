import { Gauge, type Registry } from 'prom-client';
import type { ConfigurationStatus } from '../contract/configuration-status.ts';

/** Which configuration is in force, for an alarm when a fleet does not agree or a device refused one. */
export function addConfigurationReadings(
  registry: Registry,
  status: () => ConfigurationStatus,
): void {
  const registers = [registry];
  new Gauge({
    name: 'vedette_configuration_info',
    help: '1, with the hash of the configuration in force',
    labelNames: ['hash'],
    registers,
    collect() {
      this.reset();
      this.set({ hash: status().hash }, 1);
    },
  });
  new Gauge({
    name: 'vedette_configuration_in_force_since_seconds',
    help: 'When the configuration in force began to be, in seconds since 1970',
    registers,
    collect() {
      this.set(status().inForceSinceMs / 1000);
    },
  });
  new Gauge({
    name: 'vedette_configuration_refused',
    help: '1 when what was asked for last is not in force',
    registers,
    collect() {
      this.set(status().refusal ? 1 : 0);
    },
  });
}
