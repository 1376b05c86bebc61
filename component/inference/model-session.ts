import { dirname } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { rawToTensor } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { InferenceRequest, RegionsRequest, TensorRequest } from '../contract/ports.ts';
import type { TensorData, TensorDtype, TensorValue } from '../contract/tensor.ts';
import { createDecoder } from '../decode/create-decoder.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { EnrolledVectors } from '../decode/enrolled-vectors.ts';
import { BatchInput } from './batch-input.ts';
import { checkBatch } from './check-batch.ts';
import { inputSpec } from './input-size.ts';
import type { ExecutionReport } from './execution/execution-setup.ts';
import { openGraph } from './execution/open-graph.ts';
import type { GraphExecution, OnnxRuntime, OpenedGraph } from './execution/open-graph.ts';
import { itemOutputs } from './item-outputs.ts';
import type { Outputs } from './item-outputs.ts';
import type { ModelSetup } from './model-setup.ts';
import { packageInvalid } from './package/package-invalid.ts';
import { readEnrolled } from './package/read-enrolled.ts';
import { PictureBatcher } from './picture-batcher.ts';
import type { RunPlaces } from './picture-batcher.ts';
import { PictureReader } from './picture-reader.ts';
import { RunMark } from './run-mark.ts';
import { loadError, runError } from './runtime-error.ts';
import { sizeData } from './size-data.ts';
import { warmUpPicture } from './warm-up-picture.ts';
import { mergeTiles } from './tiling/merge-tiles.ts';
import type { PictureReply, RegionsReply, TensorReply } from './worker-protocol.ts';

/**
 * A model loaded in this thread: picture to tensor, ONNX Runtime, decoder. One call at a time, since
 * the input tensor is reused.
 */
export class ModelSession {
  readonly #runtime: OnnxRuntime;
  readonly #setup: ModelSetup;
  readonly #mark: RunMark;
  readonly #session: InferenceSession;
  readonly #execution: GraphExecution;
  readonly #decoder: Decoder;
  readonly #input: BatchInput<Tensor>;
  readonly #batcher: PictureBatcher;

  /**
   * @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE, MODEL_LOAD_FAILED with the operator, opset or version named where known,
   * MODEL_FILE_INVALID, MODEL_MEMORY_EXCEEDED
   */
  static async open(
    runtime: OnnxRuntime,
    setup: ModelSetup,
    mark = RunMark.create(),
  ): Promise<ModelSession> {
    const enrolled = await enrolledOf(setup);
    const opened = await openGraph(runtime, setup);
    try {
      return new ModelSession(runtime, setup, mark, opened, enrolled);
    } catch (error) {
      await opened.session.release();
      throw loadError(error, setup.modelFile, setup.opsets);
    }
  }

  private constructor(
    runtime: OnnxRuntime,
    setup: ModelSetup,
    mark: RunMark,
    { session, execution }: OpenedGraph,
    enrolled: EnrolledVectors | undefined,
  ) {
    this.#runtime = runtime;
    this.#setup = setup;
    this.#mark = mark;
    this.#session = session;
    this.#execution = execution;
    const { labels, spec } = setup;
    this.#decoder = createDecoder(setup.output, setup.itemOutputs, { labels, spec, enrolled });
    this.#input = new BatchInput(
      setup,
      (data, shape) => new runtime.Tensor(spec.dtype as 'float32', data as Float32Array, shape),
    );
    this.#batcher = new PictureBatcher(setup, this.#decoder, this.#input, this.#runPlaces);
  }

  /**
   * The first run, on a made-up picture, through every stage with every output. Where several
   * pictures may share a run, also that they do not change each other's answers.
   * @returns how long ONNX Runtime took for one picture, in milliseconds
   * @throws VedetteError MODEL_MISMATCH when pictures cannot share a run
   */
  async warmUp(): Promise<number> {
    const { spec, batch } = this.#setup;
    const picture = warmUpPicture();
    const transform = rawToTensor(picture, WHOLE_FRAME, spec, this.#input.places[0]!);
    const before = performance.now();
    const outputs = await this.#runPlaces(0, 1, this.#decoder.outputNames(true));
    const runMs = performance.now() - before;
    // One picture's outputs need no place for each: a detector may have a row for each box.
    const own = batch.size > 1 && batch.isFixed ? itemOutputs(outputs, 0, batch.size) : outputs;
    this.#decoder.decode(own, {
      transform,
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: true,
    });
    if (!batch.isFixed && batch.size > 1) {
      await checkBatch(spec, this.#input, outputs, this.#runPlaces);
    }
    return runMs;
  }

  /**
   * What the model runs on, once it has been warmed up.
   * @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE when no part of it runs on a required provider
   */
  executionReport(): Promise<ExecutionReport> {
    return this.#execution.report();
  }

  /** @throws VedetteError IMAGE_…, FRAME_INVALID, INFERENCE_FAILED, OUTPUT_INVALID */
  async judge({ view, ...request }: InferenceRequest): Promise<PictureReply> {
    return onlyRegion(await this.judgeRegions({ ...request, views: [view] }));
  }

  /** Views of one picture, decoded once. @throws VedetteError as `judge` */
  async judgeRegions(request: RegionsRequest): Promise<RegionsReply> {
    const [reply] = await this.judgeAll([request]);
    if (reply instanceof VedetteError) throw reply;
    return reply!;
  }

  /** Pictures of several requests, which share runs: for each its answer or its error. */
  async judgeAll(requests: readonly RegionsRequest[]): Promise<(RegionsReply | VedetteError)[]> {
    const replies = await this.#batcher.judge(requests);
    return replies.map((reply, index) =>
      reply instanceof VedetteError ? reply : merged(reply, requests[index]!),
    );
  }

  /** An encoded picture to the graph's raw outputs. */
  async pictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs: readonly string[] | undefined,
  ): Promise<TensorReply> {
    const { spec, sizeMultiple } = this.#setup;
    const reader = await PictureReader.open({ kind: 'encoded', data }, this.#setup, true);
    const own = inputSpec(spec, sizeMultiple, reader.sizeOf(WHOLE_FRAME));
    if (sizeMultiple !== undefined) this.#input.resize(own);
    reader.fill([WHOLE_FRAME], this.#input.places, own);
    return this.#runTensors(this.#feeds(0, 1), outputs);
  }

  /** Tensors that were checked against the graph's declarations before (see checkTensors). */
  async runTensors(request: TensorRequest): Promise<TensorReply> {
    const feeds: Record<string, Tensor> = {};
    for (const { name, dtype, data, shape } of request.inputs) {
      feeds[name] = new this.#runtime.Tensor(dtype as 'float32', data as Float32Array, [...shape]);
    }
    return this.#runTensors(feeds, request.outputs);
  }

  async close(): Promise<void> {
    await this.#session.release();
    this.#input.close();
  }

  async #runTensors(
    feeds: Record<string, Tensor>,
    names: readonly string[] | undefined,
  ): Promise<TensorReply> {
    const before = performance.now();
    const wanted = names ?? this.#setup.outputs.map(({ name }) => name);
    const outputs = await this.#run(feeds, wanted);
    return { outputs: [...outputs.values()], runMs: performance.now() - before };
  }

  async #run(feeds: Record<string, Tensor>, names: readonly string[]): Promise<Outputs> {
    let results: InferenceSession.OnnxValueMapType;
    this.#mark.set(true);
    try {
      results = await this.#session.run(feeds, [...names]);
    } catch (error) {
      throw runError(error);
    } finally {
      this.#mark.set(false);
    }
    const outputs = new Map<string, TensorValue>();
    for (const name of names) {
      const value = results[name] as Tensor | undefined;
      if (!value) continue;
      outputs.set(name, {
        name,
        dtype: value.type as TensorDtype,
        shape: value.dims,
        data: value.data as TensorData,
      });
    }
    return outputs;
  }

  /** The pictures and, where the graph asks for it, the size of each. */
  #feeds(first: number, count: number): Record<string, Tensor> {
    const { inputName, sizeInput, batch } = this.#setup;
    const pictures = { [inputName]: this.#input.tensor(first, count) };
    if (!sizeInput) return pictures;
    const sizes = sizeData(sizeInput, this.#input.spec, batch.isFixed ? batch.size : count);
    const { dtype } = sizeInput;
    const tensor = new this.#runtime.Tensor(dtype as 'int64', sizes as BigInt64Array, [
      sizes.length / 2,
      2,
    ]);
    return { ...pictures, [sizeInput.name]: tensor };
  }

  readonly #runPlaces: RunPlaces = (first, count, names) =>
    this.#run(this.#feeds(first, count), names);
}

/** The regions of a picture as one where that is asked for; what it takes counts as decoding. */
function merged(
  reply: RegionsReply,
  { views, merge }: RegionsRequest,
): RegionsReply | VedetteError {
  if (merge === undefined) return reply;
  const before = performance.now();
  try {
    const regions = [mergeTiles(reply.regions, views, merge)];
    const decodeMs = reply.timings.decodeMs + performance.now() - before;
    return { ...reply, regions, timings: { ...reply.timings, decodeMs } };
  } catch (error) {
    return VedetteError.from(error);
  }
}

/** What the package was read with. @throws VedetteError MODEL_PACKAGE_INVALID when it has changed */
async function enrolledOf({ enrolledFile }: ModelSetup): Promise<EnrolledVectors | undefined> {
  if (enrolledFile === undefined) return undefined;
  const problems: string[] = [];
  const enrolled = await readEnrolled(enrolledFile, 'enrolled', problems);
  if (problems.length > 0) throw packageInvalid(dirname(enrolledFile), problems);
  return enrolled;
}

/** The answer about a picture of which one view was asked. */
export function onlyRegion({ regions, picture, timings }: RegionsReply): PictureReply {
  return { ...regions[0]!, picture, timings };
}
