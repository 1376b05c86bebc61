/** Installs version after version of a package, and says so on standard output, until it is killed. */
import { ModelStore } from '../../component/inference/model-store/model-store.ts';

const [dataFolder, source, first] = process.argv.slice(2) as [string, string, string];
const store = new ModelStore(dataFolder);
for (let patch = Number(first); ; patch += 1) {
  const staged = await store.stage(source);
  const version = `1.0.${patch}`;
  await store.commit(staged, {
    name: 'parts',
    version,
    variant: 'fp32',
    variantReason: 'the only one of the package',
    measurements: [{ variant: 'fp32', medianRunMs: 1 }],
    measuredOn: { processor: 'test', runtimeVersion: 'test' },
  });
  process.stdout.write(`${version}\n`);
  if (patch % 3 === 0) {
    await store.remove({ name: 'parts', version });
    process.stdout.write(`-${version}\n`);
  }
}
