import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ModelChangeRecord, ShadowFigures } from '../contract/model-lifecycle.ts';
import type { ModelStatus } from '../contract/ports.ts';

/** What `/metrics` says of versions: which one answers, which one is tried, and what became of others. */
export class VersionMetrics {
  readonly #changes: Counter<'model' | 'kind' | 'cause'>;

  constructor(registry: Registry, models: () => readonly ModelStatus[]) {
    const registers = [registry];
    this.#changes = new Counter({
      name: 'vedette_model_changes_total',
      help: 'Changes of versions: proposed, swapped, promoted, rolled-back (by cause: errors, latency, verdicts, lost, person), discarded, pinned, unpinned, restored, refused',
      labelNames: ['model', 'kind', 'cause'],
      registers,
    });
    new Gauge({
      name: 'vedette_model_version',
      help: '1 for each version that is loaded: `role` is active, shadow or canary',
      labelNames: ['model', 'role', 'version', 'sha256'],
      registers,
      collect() {
        this.reset();
        for (const { name, lifecycle } of models()) {
          const roles = [
            { role: 'active', identity: lifecycle?.active.identity },
            { role: lifecycle?.candidate?.mode, identity: lifecycle?.candidate?.identity },
          ];
          for (const { role, identity } of roles) {
            if (role === undefined || !identity) continue;
            const { version, sha256 } = identity;
            this.set({ model: name, role, version, sha256 }, 1);
          }
        }
      },
    });
    const addShadow = (name: string, help: string, value: (shadow: ShadowFigures) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ['model'],
        registers,
        collect() {
          this.reset();
          for (const { name: model, lifecycle } of models()) {
            const shadow = lifecycle?.candidate?.shadow;
            if (shadow) this.set({ model }, value(shadow));
          }
        },
      });
    addShadow('vedette_shadow_compared', 'Frames that the candidate saw too', (s) => s.compared);
    addShadow('vedette_shadow_agreed', 'Of these, those with the same outcome', (s) => s.agreed);
    addShadow('vedette_shadow_dropped', 'Frames that the candidate did not see', (s) => s.dropped);
    addShadow('vedette_shadow_failed', 'Frames that the candidate failed on', (s) => s.failed);
  }

  count({ model, kind, cause }: ModelChangeRecord): void {
    this.#changes.inc({ model, kind, cause });
  }
}
