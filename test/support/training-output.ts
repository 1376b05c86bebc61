import { gzipSync } from 'node:zlib';
import { buildTar } from './archive-builder.ts';
import { graphOf } from './dda-packages.ts';

/** What a training job of DDA leaves: a model.tar.gz with a TorchScript file. */
export const trainingArchive = (weights = 'weights'): Buffer =>
  gzipSync(
    buildTar([
      { name: 'config.yaml', data: Buffer.from('dataset: {image_width: 8, image_height: 8}\n') },
      {
        name: 'export_artifacts/manifest.json',
        data: Buffer.from(
          JSON.stringify({
            input_shape: [1, 3, 8, 8],
            model_graph: graphOf('supervised_multi_head_model'),
          }),
        ),
      },
      { name: 'export_artifacts/mochi.pt', data: Buffer.from(weights) },
    ]),
  );
