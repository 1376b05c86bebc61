import { Counter, Gauge, type Registry } from 'prom-client';

export type Values = readonly (readonly [labels: Record<string, string>, value: number])[];

function labelNamesOf(name: string): string[] {
  if (name.startsWith('vedette_tensor')) return ['state'];
  if (name.startsWith('vedette_model')) return ['model'];
  if (name.startsWith('vedette_trigger_')) return ['trigger'];
  if (name.startsWith('vedette_output_')) return ['output'];
  return [
    'camera',
    ...(name.includes('dropped') ? ['reason'] : []),
    ...(name.includes('condition') ? ['condition'] : []),
    ...(name.includes('outcomes') ? ['outcome'] : []),
    ...(name.startsWith('vedette_zone') ? ['zone'] : []),
    ...(name.startsWith('vedette_line') ? ['line', 'direction'] : []),
  ];
}

/** A gauge, or for names in `…_total` a counter, whose values are read when Prometheus asks. */
export function addReadings(
  registry: Registry,
  name: string,
  help: string,
  read: () => Values,
): void {
  const labelNames = labelNamesOf(name);
  if (name.endsWith('_total')) {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
    return;
  }
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.set(labels, value);
    },
  });
}
