import sharp from 'sharp';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Findings } from '../../../component/contract/result.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { modelConfig } from '../../support/model-packages.ts';

/** Everything from an encoded picture to findings, with the real ONNX Runtime in its worker. */
export async function runModel(
  folder: string,
  picture: Uint8Array<ArrayBuffer>,
): Promise<Findings> {
  const host = new ModelHost({
    name: 'model',
    config: modelConfig(folder),
    maxImagePixels: 10_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  await host.start();
  try {
    const answer = await host.infer({
      image: { kind: 'encoded', data: picture },
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: false,
    });
    return answer.findings;
  } finally {
    await host.close(4000);
  }
}

/** A PNG of one colour. */
export async function plainPicture(
  width: number,
  height: number,
  background: { r: number; g: number; b: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const create = { width, height, channels: 3 as const, background };
  return new Uint8Array(await sharp({ create }).png().toBuffer());
}
