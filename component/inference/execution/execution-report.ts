import type { ExecutionProviderChoice } from '../../contract/model-config.ts';
import type { ExecutionProvider } from '../../contract/model-manifest.ts';
import { beforeCpu, unavailable } from './choose-providers.ts';
import type { ChosenProviders } from './choose-providers.ts';
import type { ExecutionReport } from './execution-setup.ts';
import type { ProviderTimes } from './provider-profile.ts';

/**
 * What a session runs on: the provider that most of the time is spent in. An accelerator that could
 * be had, and to which ONNX Runtime gave no part of the model, counts as one that could not.
 * @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE for such a one that is required
 */
export function executionReport(
  choices: readonly ExecutionProviderChoice[],
  { accelerators, fallbacks }: ChosenProviders,
  times: ProviderTimes,
): ExecutionReport {
  const faults = [...fallbacks];
  for (const name of accelerators) {
    if (times.has(name)) continue;
    const fault = unavailable(name, `ONNX Runtime gave it no part of the model: ${inWords(times)}`);
    const isRequired = beforeCpu(choices).some(
      (choice) => choice.name === name && choice.use === 'required',
    );
    // A fast accelerator that is asked for behind a faster one may be left without work.
    const isBehind = accelerators
      .slice(0, accelerators.indexOf(name))
      .some((one) => times.has(one));
    if (isBehind) continue;
    if (isRequired) throw fault;
    faults.push(fault);
  }
  const provider = [...times].reduce((most, one) => (one[1] > most[1] ? one : most), [
    'cpu',
    -1,
  ] as [ExecutionProvider, number])[0];
  return { provider, fallbacks: faults.map((fault) => fault.serialize()) };
}

function inWords(times: ProviderTimes): string {
  const all = [...times.values()].reduce((sum, time) => sum + time, 0) || 1;
  const parts = [...times].map(([name, time]) => `${name} ${Math.round((100 * time) / all)} %`);
  return `of its time it spent ${parts.join(', ') || 'none'}`;
}
