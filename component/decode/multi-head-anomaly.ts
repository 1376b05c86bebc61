import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { AnomalyDecoder } from './anomaly.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput } from './output-values.ts';
import { outputMismatch, shapeInvalid } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'multi-head-anomaly' }>;

const DECODER = 'multi-head-anomaly';
const SCORE = 'pred_score';
const MASK = 'pred_mask';

/**
 * Anomaly models with a classification head, scores [1, C] (0–1, together at most 1), and optionally
 * a segmentation head, values [1, S, H, W] over the whole input: what Lookout for Vision and DDA call
 * a supervised multi-head model. The anomaly score is the sum of the scores of the classes that are
 * not normal; a cell is anomalous when its greatest value is of a segment that is not normal. `decision`
 * says whether the score, the cells, both or either make a picture anomalous.
 */
export class MultiHeadAnomalyDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #scores: string;
  readonly #segments: string | undefined;
  /** Score and mask, once computed, are read as anomalib's. */
  readonly #anomaly: AnomalyDecoder;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    const floats = declarations.filter(({ dtype }) => dtype.startsWith('float'));
    const scores = floats.filter(({ shape }) => shape.length >= 1 && shape.length <= 2);
    const segments = floats.filter(({ shape }) => shape.length === 4);
    if (scores.length !== 1 || segments.length > 1) {
      throw outputMismatch(
        DECODER,
        'expected float scores [1, C] and at most one output [1, S, H, W]',
        declarations,
      );
    }
    if (settings.decision !== 'score' && segments.length === 0) {
      throw outputMismatch(
        DECODER,
        `output.decision '${settings.decision}' needs an output [1, S, H, W]`,
        declarations,
      );
    }
    this.#requireNormal('normalClasses', scores[0]!.shape.at(-1), declarations);
    if (settings.decision !== 'score') {
      this.#requireNormal('normalSegments', segments[0]!.shape[1], declarations);
    }
    this.#scores = scores[0]!.name;
    this.#segments = segments[0]?.name;
    const { scoreThreshold, minAreaFraction } = settings;
    const anomaly = {
      decoder: 'anomaly',
      scoreThreshold,
      minAreaFraction,
      mapThreshold: 0.5,
    } as const;
    this.#anomaly = new AnomalyDecoder(
      anomaly,
      [
        { name: SCORE, dtype: 'float32', shape: [1] },
        ...(this.#segments === undefined
          ? []
          : [{ name: MASK, dtype: 'bool' as const, shape: [1, null, null] }]),
      ],
      model,
    );
  }

  outputNames(): readonly string[] {
    return [this.#scores, ...(this.#segments === undefined ? [] : [this.#segments])];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const read = new Map<string, TensorValue>();
    read.set(SCORE, {
      name: SCORE,
      dtype: 'float32',
      shape: [1],
      data: Float32Array.of(this.#score(requireOutput(outputs, this.#scores))),
    });
    const mask =
      this.#segments === undefined ? undefined : this.#mask(requireOutput(outputs, this.#segments));
    if (mask) read.set(MASK, mask);
    const { findings } = this.#anomaly.decode(read, { ...context, wantsAnomalyMap: false });
    const anomaly = findings.anomaly!;
    const hasArea = mask !== undefined && (mask.data as Uint8Array).includes(1);
    const isAnomalous = {
      score: anomaly.isAnomalous,
      segments: hasArea,
      both: anomaly.isAnomalous && hasArea,
      either: anomaly.isAnomalous || hasArea,
    }[this.#settings.decision];
    return { findings: { anomaly: { ...anomaly, isAnomalous } } };
  }

  /**
   * With no normal class, or one that the graph does not have, every picture would be anomalous.
   * @param count as declared, then as the run gave it; an open one is not judged
   */
  #requireNormal(
    field: 'normalClasses' | 'normalSegments',
    count: TensorDeclaration['shape'][number] | undefined,
    outputs: readonly TensorDeclaration[],
  ): void {
    if (typeof count !== 'number' || count < 2) return;
    const indexes = this.#settings[field];
    const beyond = indexes.find((index) => index >= count);
    if (beyond === undefined && indexes.length > 0) return;
    const found = beyond === undefined ? 'is empty' : `names ${beyond}`;
    throw outputMismatch(
      DECODER,
      `output.${field} ${found}, expected one or more of 0 to ${count - 1}`,
      outputs,
    );
  }

  #score(tensor: TensorValue): number {
    const values = floatValues(tensor);
    const classes = tensor.shape.at(-1) ?? 0;
    if (classes === 0 || values.length !== classes) throw shapeInvalid(tensor, '[1, C] or [C]');
    this.#requireNormal('normalClasses', classes, [tensor]);
    requireFinite(tensor, values);
    const { normalClasses } = this.#settings;
    let score = 0;
    for (let index = 0; index < classes; index += 1) {
      if (!normalClasses.includes(index)) score += values[index]!;
    }
    if (score < -0.01 || score > 1.01) {
      throw new VedetteError(
        'OUTPUT_INVALID',
        `output '${tensor.name}': the scores of what is not normal add up to ${score}, expected 0 to 1 (is a softmax or sigmoid missing in the graph?)`,
        { details: { output: tensor.name, score } },
      );
    }
    return score;
  }

  /** Set where the greatest value of a cell, the first of equal ones, is of no normal segment. */
  #mask(tensor: TensorValue): TensorValue {
    const [batch, segments, height, width] = tensor.shape;
    if (
      batch !== 1 ||
      !segments ||
      segments < 2 ||
      !height ||
      !width ||
      tensor.shape.length !== 4
    ) {
      throw shapeInvalid(tensor, '[1, S, H, W] with two segments or more');
    }
    if (this.#settings.decision !== 'score') {
      this.#requireNormal('normalSegments', segments, [tensor]);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const cells = height * width;
    const best = values.slice(0, cells);
    const { normalSegments } = this.#settings;
    const data = new Uint8Array(cells).fill(normalSegments.includes(0) ? 0 : 1);
    for (let segment = 1; segment < segments; segment += 1) {
      const isSet = normalSegments.includes(segment) ? 0 : 1;
      for (let cell = 0; cell < cells; cell += 1) {
        const value = values[segment * cells + cell]!;
        if (value <= best[cell]!) continue;
        best[cell] = value;
        data[cell] = isSet;
      }
    }
    return { name: MASK, dtype: 'bool', shape: [1, height, width], data };
  }
}
