import { readFileSync } from 'node:fs';
import path from 'node:path';
import { walkwayJpeg } from './bench-pictures.ts';
import { LoadedModel } from './loaded-model.ts';
import { compare, measureInterleaved, type Timing } from './measure-interleaved.ts';
import { digits, ms, ratio, span } from './number-text.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';

export const runSection: Section = {
  name: 'run',
  title: 'ONNX Runtime alone',
  run: measureRun,
};

const MODELS = [
  { name: 'coco-detector', variant: 'fp32' },
  { name: 'coco-detector', variant: 'int8' },
  { name: 'brick-anomaly', variant: 'fp32' },
];

async function measureRun({ root, progress }: BenchContext): Promise<SectionReport> {
  progress(MODELS.map(({ name, variant }) => `${name} ${variant}`).join(', '));
  const models = await Promise.all(
    MODELS.map(({ name, variant }) => LoadedModel.open(root, name, variant)),
  );
  const surface = readFileSync(path.join(root, 'samples/images/brick/defect-00.png'));
  for (const model of models) {
    const isAnomaly = model.package.manifest.output.decoder === 'anomaly';
    await model.show(isAnomaly ? surface : walkwayJpeg(root));
  }
  const contenders = models.map((model, index) => ({
    name: `${MODELS[index]!.name} ${MODELS[index]!.variant}`,
    run: () => model.run(),
  }));
  const timings = await measureInterleaved(contenders, { rounds: 8, turnMs: 600 });
  for (const model of models) await model.close();
  return {
    method:
      '`session.run` on a picture that lies in the input tensor already, one thread: the part of a frame that no code of Vedette can make faster.',
    tables: [
      {
        columns: ['model', 'input', 'median, ms', 'by round', 'runs'],
        rows: timings.map(({ name, medianMs, lowestMs, highestMs, calls }, index) => {
          const { width, height } = models[index]!.package.spec;
          const input = `${width}×${height}`;
          return [name, input, digits(medianMs), span(lowestMs, highestMs), String(calls)];
        }),
        says: says(timings as [Timing, Timing, Timing]),
      },
    ],
  };
}

function says([float, quantised, anomaly]: [Timing, Timing, Timing]): string {
  const against = compare(float, quantised);
  return `On one core the detector takes ${ms(float.medianMs)} for a picture and the anomaly model ${ms(anomaly.medianMs)}; the int8 detector takes ${ratio(against.ratio)} the time of the float one on this CPU.`;
}
