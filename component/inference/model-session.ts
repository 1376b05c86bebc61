import type { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  FrameRing,
  KeptTensor,
  PooledBuffer,
  rawImageOf,
  rawToTensor,
} from '../../native/index.ts';
import { encodedToTensor } from '../../native/image-to-tensor.ts';
import { VedetteError } from '../contract/errors.ts';
import { ENCODED_FORMATS, WHOLE_FRAME } from '../contract/frame.ts';
import type { EncodedFormat, FrameLease, FrameView } from '../contract/frame.ts';
import type { InferenceRequest, TensorRequest } from '../contract/ports.ts';
import { createTensorData, tensorBytes } from '../contract/tensor.ts';
import type { FrameTransform, TensorData, TensorDtype, TensorValue } from '../contract/tensor.ts';
import { createDecoder } from '../decode/create-decoder.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { ModelSetup } from './model-setup.ts';
import { RunMark } from './run-mark.ts';
import { loadError, runError } from './runtime-error.ts';
import { warmUpPicture } from './warm-up-picture.ts';
import type { PictureReply, TensorReply } from './worker-protocol.ts';

/** The module `onnxruntime-node`, which only a worker or the probe may load. */
export type OnnxRuntime = typeof import('onnxruntime-node');

/**
 * A model loaded in this thread: picture to tensor, ONNX Runtime, decoder. One call at a time, since
 * the input tensor is reused.
 */
export class ModelSession {
  readonly #runtime: OnnxRuntime;
  readonly #setup: ModelSetup;
  readonly #mark: RunMark;
  readonly #session: InferenceSession;
  readonly #decoder: Decoder;
  /** Returned by `close`, or when the thread ends. */
  readonly #memory: PooledBuffer;
  readonly #pixels: KeptTensor;
  readonly #input: Tensor;

  /**
   * @throws VedetteError MODEL_LOAD_FAILED with the operator, opset or version named where known,
   * MODEL_FILE_INVALID, MODEL_MEMORY_EXCEEDED
   */
  static async open(
    runtime: OnnxRuntime,
    setup: ModelSetup,
    mark = RunMark.create(),
  ): Promise<ModelSession> {
    try {
      const session = await runtime.InferenceSession.create(setup.modelFile, {
        executionProviders: ['cpu'],
        intraOpNumThreads: setup.threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        // Errors come as exceptions; the log of the native library would bypass Vedette's own.
        logSeverityLevel: 4,
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
      return new ModelSession(runtime, setup, mark, session);
    } catch (error) {
      throw loadError(error, setup.modelFile, setup.opsets);
    }
  }

  private constructor(
    runtime: OnnxRuntime,
    setup: ModelSetup,
    mark: RunMark,
    session: InferenceSession,
  ) {
    const { spec } = setup;
    const channels = spec.colourOrder === 'gray' ? 1 : 3;
    const { width, height } = spec;
    const shape =
      spec.layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels];
    this.#runtime = runtime;
    this.#setup = setup;
    this.#mark = mark;
    this.#session = session;
    this.#decoder = createDecoder(setup.output, setup.outputs, { labels: setup.labels, spec });
    this.#memory = PooledBuffer.acquire(tensorBytes(spec));
    const data = createTensorData(spec, 1, this.#memory.buffer);
    this.#pixels = new KeptTensor(data);
    this.#input = new runtime.Tensor(spec.dtype as 'float32', data as Float32Array, shape);
  }

  /**
   * The first run, on a made-up picture, through every stage with every output.
   * @returns how long ONNX Runtime took, in milliseconds
   */
  async warmUp(): Promise<number> {
    const picture = warmUpPicture();
    const transform = rawToTensor(picture, WHOLE_FRAME, this.#setup.spec, this.#pixels);
    const before = performance.now();
    const outputs = await this.#run(
      { [this.#setup.inputName]: this.#input },
      this.#decoder.outputNames(true),
    );
    const runMs = performance.now() - before;
    this.#decoder.decode(outputs, {
      transform,
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: true,
    });
    return runMs;
  }

  async judge(request: InferenceRequest): Promise<PictureReply> {
    const { image, view, thresholds, wantsAnomalyMap } = request;
    const begin = performance.now();
    const transform =
      image.kind === 'frame'
        ? await this.#readFrame(image.frame, view)
        : await this.#readEncoded(image.data, view);
    const prepared = performance.now();
    const outputs = await this.#run(
      { [this.#setup.inputName]: this.#input },
      this.#decoder.outputNames(wantsAnomalyMap),
    );
    const ran = performance.now();
    const decoded = this.#decoder.decode(outputs, { transform, view, thresholds, wantsAnomalyMap });
    return {
      ...decoded,
      picture: transform.source,
      timings: {
        preprocessMs: prepared - begin,
        runMs: ran - prepared,
        decodeMs: performance.now() - ran,
      },
    };
  }

  /** An encoded picture to the graph's raw outputs. */
  async pictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs: readonly string[] | undefined,
  ): Promise<TensorReply> {
    await this.#readEncoded(data, WHOLE_FRAME);
    return this.#runTensors({ [this.#setup.inputName]: this.#input }, outputs);
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
    this.#memory.release();
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

  async #run(
    feeds: Record<string, Tensor>,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, TensorValue>> {
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

  async #readFrame(frame: FrameLease, view: FrameView): Promise<FrameTransform> {
    const data = FrameRing.attach(frame.ringId).bytes(frame.slot).subarray(0, frame.byteLength);
    if (isEncoded(frame.format)) return this.#readEncoded(data, view);
    const image = rawImageOf(frame, frame.format, data);
    return rawToTensor(image, view, this.#setup.spec, this.#pixels);
  }

  async #readEncoded(data: Uint8Array<ArrayBuffer>, view: FrameView): Promise<FrameTransform> {
    const { spec, maxImagePixels } = this.#setup;
    try {
      return await encodedToTensor(data, view, spec, this.#pixels, maxImagePixels);
    } catch (error) {
      throw VedetteError.from(error, 'IMAGE_CORRUPT');
    }
  }
}

function isEncoded(format: FrameLease['format']): format is EncodedFormat {
  return (ENCODED_FORMATS as readonly string[]).includes(format);
}
