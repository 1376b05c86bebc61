/**
 * The door to the addon and the one file that loads it. Everything here is synchronous, meant for
 * worker threads; every failure is a VedetteError.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { VedetteError } from '../component/contract/errors.ts';
import { provideAddon, type Addon } from './addon.ts';

export {
  encodeJpeg,
  inspectImage,
  jpegToTensor,
  kernelName,
  limitDataMemory,
  loadOnnxRuntime,
  rawToTensor,
} from './images.ts';
export type { ImageInfo } from './images.ts';
export { areFinite, classAreas, instanceMasks, mapAreas, maskAreas } from './areas.ts';
export type {
  AreaList,
  AreaSearch,
  ClassArea,
  ClassAreas,
  ClassMap,
  MapFault,
  MaskArea,
  MaskPrototypes,
} from './areas.ts';
export type { ClassMapData } from './addon.ts';
export { YoloHeadReader } from './yolo-head-reader.ts';
export type { HeadFault, KeptBoxes, YoloHeadShape, YoloSuppression } from './yolo-head-reader.ts';
export { rawImageOf, type RawImage } from './raw-image.ts';
export { jpegToTiles, rawToTiles } from './tiles.ts';
export { batchPlaces, KeptTensor, type TensorMemory, type TensorTarget } from './kept-tensor.ts';
export { packedFrameBytes } from './packed-frame-bytes.ts';
export { FrameRing } from './frame-ring.ts';
export type { OrderedFrame, RingStatistics } from './frame-ring.ts';
export { PooledBuffer, bufferPoolStatistics } from './pooled-buffer.ts';
export type { BufferPoolStatistics } from './pooled-buffer.ts';
export { TensorThreads } from './tensor-threads.ts';
export type { PooledTensor } from './tensor-threads.ts';
export { requireAravis, runGenicam } from './genicam.ts';
export type { GenicamOutput, GenicamSettings, GenicamTell } from './genicam.ts';
export { PipeFrameReader } from './pipe-frame-reader.ts';
export type { PipeCounts, PipeEnd, PipeFrameReaderOptions } from './pipe-frame-reader.ts';

provideAddon(() => {
  const file = addonFile();
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VedetteError('ADDON_UNAVAILABLE', `${file} could not be loaded: ${reason}`, {
      cause,
      details: { file },
    });
  }
});

/** As compiled here or shipped for one platform; in the package of npm there is one for each platform. */
function addonFile(): string {
  const root = path.join(import.meta.dirname, '..');
  const compiled = path.join(root, 'build', 'Release', 'vedette.node');
  const platform = `${process.platform}-${process.arch}`;
  const prebuilt = path.join(root, 'prebuilt', platform, 'vedette.node');
  const isOfNpm = existsSync(path.join(root, 'prebuilt'));
  return isOfNpm && !existsSync(compiled) ? prebuilt : compiled;
}
