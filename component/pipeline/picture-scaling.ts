import { VedetteError } from '../contract/errors.ts';
import type { FrameLease, FrameView, Size } from '../contract/frame.ts';
import { ModelChain } from '../inference/chain/model-chain.ts';
import type { ServingModel } from '../inference/chain/camera-model.ts';
import { scaledSize, type ShownInput } from '../inference/picture-scaling.ts';
import type { CurrentSettings } from './current-settings.ts';
import type { FrameSettings } from './frame-settings.ts';

/**
 * What a camera's pictures are scaled to when its source is opened, and what becomes of a frame that was
 * scaled for smaller inputs than that of the version which is to see it.
 */
export class PictureScaling {
  readonly #settings: CurrentSettings;
  readonly #openAnew: (why: VedetteError) => boolean;
  readonly #sharers: () => readonly PictureScaling[];
  /** That of the frames of a run which was ended for being too small. */
  #left: Size | undefined;

  /**
   * @param openAnew opens the source again; false when it cannot be
   * @param sharers cameras that get the same pictures
   */
  constructor(
    settings: CurrentSettings,
    openAnew: (why: VedetteError) => boolean,
    sharers: () => readonly PictureScaling[],
  ) {
    this.#settings = settings;
    this.#openAnew = openAnew;
    this.#sharers = sharers;
  }

  /** Resolves when the models of all its cameras were read, or failed; the source waits for it. */
  async modelsKnown(): Promise<void> {
    const all = [this, ...this.#sharers()].flatMap((one) => one.#settings.now.sets.all);
    const started = all.flatMap(({ model }) =>
      model instanceof ModelChain ? [] : [model.whenStarted()],
    );
    await Promise.all(started);
  }

  /**
   * No smaller than any input that is fed from the source now, by whichever camera; `source` as long as
   * one is not known.
   */
  sizeFor(source: Size): Size {
    const all = [this, ...this.#sharers()].map((one) => inputsOf(one.#settings.now));
    return scaledSize(source, all.includes(undefined) ? [] : all.flatMap((inputs) => inputs ?? []));
  }

  /** Whether nothing would be scaled up for this version. */
  fits(frame: FrameLease, view: FrameView, version: ServingModel): boolean {
    return fault(frame, view, version) === undefined;
  }

  /**
   * Nothing when the frame is as large as it must be; else the source is opened anew, once for all frames
   * that were scaled like this one, or the error says why the frame has no answer.
   */
  refuse(
    frame: FrameLease,
    view: FrameView,
    version: ServingModel,
  ): 'opened-anew' | VedetteError | undefined {
    const error = fault(frame, view, version);
    if (error === undefined) return undefined;
    if (this.#left === frame.scaledFrom) return 'opened-anew';
    const { message, details } = error;
    const why = new VedetteError('CAMERA_SOURCE_FAILED', `opened again: ${message}`, { details });
    if (!this.#openAnew(why)) {
      const advice = 'a source that ends is not opened again: set its `source.scaling` to none';
      return new VedetteError('FRAME_INVALID', `${message}; ${advice}`, { details });
    }
    this.#left = frame.scaledFrom;
    return 'opened-anew';
  }
}

function inputsOf({ sets }: FrameSettings): readonly ShownInput[] | undefined {
  const inputs: ShownInput[] = [];
  for (const { model, view } of sets.all) {
    const packages = model instanceof ModelChain ? [] : model.packages;
    if (packages.length === 0) return undefined;
    for (const { spec, sizeMultiple } of packages) inputs.push({ view, spec, sizeMultiple });
  }
  return inputs;
}

function fault(
  frame: FrameLease,
  view: FrameView,
  version: ServingModel,
): VedetteError | undefined {
  const { scaledFrom: source, width, height } = frame;
  const loaded = version instanceof ModelChain ? undefined : version.package;
  if (source === undefined || loaded === undefined) return undefined;
  const needed = scaledSize(source, [{ ...loaded, view }]);
  if (width >= needed.width && height >= needed.height) return undefined;
  const { name, version: number } = loaded.manifest;
  return new VedetteError(
    'FRAME_INVALID',
    `its pictures were scaled to ${width}×${height}, but ${name} ${number} needs ${needed.width}×${needed.height} of ${source.width}×${source.height}`,
    { details: { width, height, neededWidth: needed.width, neededHeight: needed.height } },
  );
}
