import { readFileSync } from 'node:fs';
import path from 'node:path';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { createDecoder } from '../../component/decode/create-decoder.ts';
import { walkwayJpeg } from './bench-pictures.ts';
import { LoadedModel } from './loaded-model.ts';
import { measureInterleaved, type Contender } from './measure-interleaved.ts';
import { digits, ms, span } from './number-text.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';

export const decodeSection: Section = {
  name: 'decode',
  title: 'Outputs to results',
  run: measureDecode,
};

async function measureDecode({ root, progress }: BenchContext): Promise<SectionReport> {
  progress('detections and anomalies');
  const surface = (name: string) => readFileSync(path.join(root, 'samples/images/brick', name));
  const contenders = [
    await decoding(root, 'coco-detector', 'detections of a walkway frame', walkwayJpeg(root)),
    await decoding(root, 'brick-anomaly', 'anomaly of a good surface', surface('good-00.png')),
    await decoding(root, 'brick-anomaly', 'anomaly of a defect', surface('defect-00.png')),
    await decoding(
      root,
      'brick-anomaly',
      'the same with its map for the live view',
      surface('defect-00.png'),
      true,
    ),
  ];
  const timings = await measureInterleaved(contenders, { rounds: 8, turnMs: 150 });
  const slowest = timings.reduce((most, each) => (each.medianMs > most.medianMs ? each : most));
  return {
    method:
      'The decoders on what the models really answered: `[1,100,6]` detections, and a 256×256 anomaly map and mask, whose defects become polygons.',
    tables: [
      {
        columns: ['work', 'median, ms', 'by round'],
        rows: timings.map(({ name, medianMs, lowestMs, highestMs }) => [
          name,
          digits(medianMs),
          span(lowestMs, highestMs),
        ]),
        says: `The slowest, ${slowest.name}, takes ${ms(slowest.medianMs)}.`,
      },
    ],
  };
}

async function decoding(
  root: string,
  modelName: string,
  name: string,
  picture: Uint8Array,
  wantsAnomalyMap = false,
): Promise<Contender> {
  const model = await LoadedModel.open(root, modelName, 'fp32');
  const { manifest, declarations, labels, spec } = model.package;
  const decoder = createDecoder(manifest.output, declarations.outputs, { labels, spec });
  const transform = await model.show(picture);
  const all = await model.outputs();
  await model.close();
  const outputs = new Map(
    decoder.outputNames(wantsAnomalyMap).flatMap((output) => {
      const value = all.get(output);
      return value ? [[output, value] as const] : [];
    }),
  );
  const context = { transform, view: WHOLE_FRAME, thresholds: { labels: {} }, wantsAnomalyMap };
  return { name, run: () => decoder.decode(outputs, context) };
}
