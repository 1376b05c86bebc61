/** A process of its own that stores results as fast as it can and prints what was acknowledged. */
import { Registry } from '../../../component/registry/registry.ts';
import { sampleResult } from './sample-result.ts';

const [dataFolder = '', lanes = '4'] = process.argv.slice(2);
const registry = await Registry.open({ dataFolder, onNotice: () => undefined });
const cameras = ['dock', 'gate'];
process.stdout.write('ready\n');
for (let lane = 0; lane < Number(lanes); lane += 1) {
  void (async () => {
    for (let count = 0; ; count += 1) {
      const camera = cameras[(lane + count) % 3];
      const durability = count % 5 === 0 ? 'promised' : 'stream';
      const stored = await registry.appendResult(sampleResult({ camera }), { durability });
      process.stdout.write(`${stored.id} ${camera ?? '-'} ${stored.cameraSequence ?? '-'}\n`);
    }
  })();
}
