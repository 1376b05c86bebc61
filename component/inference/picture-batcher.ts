import { VedetteError } from '../contract/errors.ts';
import type { FrameView } from '../contract/frame.ts';
import type { RegionsRequest } from '../contract/ports.ts';
import type { FrameTransform, TensorSpec } from '../contract/tensor.ts';
import type { Decoded, Decoder } from '../decode/decoder.ts';
import type { BatchInput } from './batch-input.ts';
import { inputSpec } from './input-size.ts';
import { itemOutputs } from './item-outputs.ts';
import type { Outputs } from './item-outputs.ts';
import type { ModelSetup } from './model-setup.ts';
import { PictureReader, isOneCall } from './picture-reader.ts';
import type { RegionsReply } from './worker-protocol.ts';

/** Runs the graph on `count` places of the input, from `first` on. */
export type RunPlaces = (
  first: number,
  count: number,
  names: readonly string[],
) => Promise<Outputs>;

/** A request on its way through the batches. */
interface Pending {
  readonly request: RegionsRequest;
  readonly regions: Decoded[];
  readonly timings: { preprocessMs: number; runMs: number; decodeMs: number };
  picture?: FrameTransform['source'];
  fault?: VedetteError;
}

/** A view that lies in a place of the input and waits for the run. */
interface Item {
  readonly pending: Pending;
  readonly index: number;
  readonly view: FrameView;
  readonly transform: FrameTransform;
  /** Of the input that it lies in. */
  readonly spec: TensorSpec;
}

/**
 * Views of pictures through the model, as many at once as its input has places. Pictures of several
 * requests share a run; what is wrong with one of them is the fault of that one alone.
 */
export class PictureBatcher {
  readonly #setup: ModelSetup;
  readonly #decoder: Decoder;
  readonly #input: BatchInput;
  readonly #run: RunPlaces;

  constructor(setup: ModelSetup, decoder: Decoder, input: BatchInput, run: RunPlaces) {
    this.#setup = setup;
    this.#decoder = decoder;
    this.#input = input;
    this.#run = run;
  }

  /** For each request its answer or what is wrong with it. Never rejects. */
  async judge(requests: readonly RegionsRequest[]): Promise<(RegionsReply | VedetteError)[]> {
    const all = requests.map((request): Pending => ({
      request,
      regions: [],
      timings: { preprocessMs: 0, runMs: 0, decodeMs: 0 },
    }));
    const items: Item[] = [];
    for (const pending of all) {
      try {
        await this.#fill(pending, items);
      } catch (error) {
        pending.fault ??= VedetteError.from(error);
      }
    }
    await this.#flush(items);
    return all.map(
      ({ fault, picture, regions, timings }) => fault ?? { regions, picture: picture!, timings },
    );
  }

  /** The views of one picture to places; runs whenever all are taken. */
  async #fill(pending: Pending, items: Item[]): Promise<void> {
    const { image, views } = pending.request;
    const begin = performance.now();
    const free = this.#input.places.length - items.length;
    const isOneFill =
      views.length === 1 ||
      (views.length <= free && this.#setup.sizeMultiple === undefined && isOneCall(views));
    const reader = await PictureReader.open(image, this.#setup, isOneFill);
    pending.timings.preprocessMs += performance.now() - begin;
    try {
      for (const { spec, indexes } of this.#bySize(views, reader)) {
        if (spec.width !== this.#input.spec.width || spec.height !== this.#input.spec.height) {
          await this.#flush(items);
          this.#input.resize(spec);
        }
        await this.#fillPlaces(pending, indexes, reader, items);
      }
    } finally {
      reader.close();
    }
  }

  /** The views whose input has one size, in the order in which they come. */
  #bySize(
    views: readonly FrameView[],
    reader: PictureReader,
  ): { readonly spec: TensorSpec; readonly indexes: readonly number[] }[] {
    const { spec, sizeMultiple } = this.#setup;
    if (sizeMultiple === undefined) return [{ spec, indexes: [...views.keys()] }];
    const groups = new Map<string, { spec: TensorSpec; indexes: number[] }>();
    views.forEach((view, index) => {
      const own = inputSpec(spec, sizeMultiple, reader.sizeOf(view));
      const key = `${own.width} ${own.height}`;
      const group = groups.get(key);
      if (group) group.indexes.push(index);
      else groups.set(key, { spec: own, indexes: [index] });
    });
    return [...groups.values()];
  }

  async #fillPlaces(
    pending: Pending,
    indexes: readonly number[],
    reader: PictureReader,
    items: Item[],
  ): Promise<void> {
    const { views } = pending.request;
    const { places, spec } = this.#input;
    for (let next = 0; next < indexes.length && !pending.fault;) {
      const before = performance.now();
      const count = Math.min(indexes.length - next, places.length - items.length);
      const some = indexes.slice(next, next + count);
      const shown = some.map((index) => views[index]!);
      const free = places.slice(items.length, items.length + count);
      const transforms = reader.fill(shown, free, spec);
      pending.picture ??= transforms[0]!.source;
      transforms.forEach((transform, at) =>
        items.push({ pending, index: some[at]!, view: shown[at]!, transform, spec }),
      );
      next += count;
      pending.timings.preprocessMs += performance.now() - before;
      if (items.length === places.length) await this.#flush(items);
    }
  }

  /** Runs what lies in places and decodes it; `items` is empty afterwards. */
  async #flush(items: Item[]): Promise<void> {
    const batch = items.splice(0);
    if (batch.length === 0) return;
    try {
      await this.#runItems(batch, 0);
    } catch (error) {
      if (batch.length === 1 || this.#setup.batch.isFixed) {
        for (const { pending } of batch) pending.fault ??= VedetteError.from(error);
        return;
      }
      // One picture may be what the model fails on: the others are not to suffer for it.
      for (const [place, item] of batch.entries()) {
        await this.#runItems([item], place).catch((own: unknown) => {
          item.pending.fault ??= VedetteError.from(own);
        });
      }
    }
  }

  /** Those items, of which the first lies in place `first`. @throws VedetteError of the run */
  async #runItems(items: readonly Item[], first: number): Promise<void> {
    const wantsMap = items.some(({ pending }) => pending.request.wantsAnomalyMap);
    const before = performance.now();
    const { length } = items;
    const outputs = await this.#run(first, length, this.#decoder.outputNames(wantsMap));
    const runMs = performance.now() - before;
    for (const pending of new Set(items.map((item) => item.pending))) {
      pending.timings.runMs += runMs;
    }
    const { batch } = this.#setup;
    const count = batch.isFixed ? batch.size : length;
    items.forEach((item, index) => this.#decode(item, index, outputs, count));
  }

  #decode(item: Item, place: number, outputs: Outputs, count: number): void {
    const { pending, index, view, transform, spec } = item;
    if (pending.fault) return;
    const { thresholds, wantsAnomalyMap } = pending.request;
    const begin = performance.now();
    try {
      const own = count === 1 ? outputs : itemOutputs(outputs, place, count);
      pending.regions[index] = this.#decoder.decode(own, {
        transform,
        input: spec,
        view,
        thresholds,
        wantsAnomalyMap,
      });
    } catch (error) {
      pending.fault = VedetteError.from(error);
    }
    pending.timings.decodeMs += performance.now() - begin;
  }
}
