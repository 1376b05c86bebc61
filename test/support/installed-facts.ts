import type { ModelReference } from '../../component/contract/model-manifest.ts';
import type { ModelStore } from '../../component/inference/model-store/model-store.ts';

/** What `commit` is told of a version that was tried nowhere. */
export const installedFacts = ({
  name,
  version,
}: ModelReference): Parameters<ModelStore['commit']>[1] => ({
  name,
  version,
  variant: 'fp32',
  variantReason: 'the only one of the package',
  measurements: [{ variant: 'fp32', medianRunMs: 1 }],
  measuredOn: { processor: 'test', runtimeVersion: 'test' },
});
