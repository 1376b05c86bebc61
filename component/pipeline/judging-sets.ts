import type { RuntimeConfig } from '../contract/config.ts';
import type { FrameView } from '../contract/frame.ts';
import type { ScoreThresholds } from '../contract/ports.ts';
import type { ProductConfig } from '../contract/product-config.ts';
import type { ResultProduct } from '../contract/result.ts';
import type { TilingConfig } from '../contract/tiling-config.ts';
import type { CameraModel } from '../inference/chain/camera-model.ts';
import type { NamedRule } from './rules/evidence.ts';

/** By what a picture is judged. */
export interface JudgingSet {
  /** Absent for a camera without products. */
  readonly product?: ResultProduct;
  readonly model: CameraModel;
  readonly view: FrameView;
  readonly thresholds: ScoreThresholds;
  /** Absent: the model sees each picture at once. */
  readonly tiling: TilingConfig | undefined;
  readonly rules: readonly NamedRule[];
  /** Why a person must look at it whatever the model finds. */
  readonly review?: string;
}

type Context = Readonly<Record<string, unknown>> | undefined;

/** The settings by which a camera's pictures are judged: its own, or those of a picture's product. */
export class JudgingSets {
  readonly #camera: string;
  readonly #config: RuntimeConfig;
  readonly #modelOf: (name: string) => CameraModel;
  readonly #sets = new Map<string, JudgingSet>();
  /** Of pictures without a product; those of a product that is not known get its code. */
  readonly own: JudgingSet;

  constructor(camera: string, config: RuntimeConfig, modelOf: (name: string) => CameraModel) {
    this.#camera = camera;
    this.#config = config;
    this.#modelOf = modelOf;
    this.own = this.#create(undefined, {});
    for (const [code, product] of Object.entries(config.cameras[camera]!.products)) {
      this.#sets.set(code, { ...this.#create(code, product), product: { code, isKnown: true } });
    }
  }

  /** The camera's own and those of every product. */
  get all(): readonly JudgingSet[] {
    return [this.own, ...this.#sets.values()];
  }

  /** Whether one model answers whatever the product is. */
  get hasOneModel(): boolean {
    return [...this.#sets.values()].every(({ model }) => model === this.own.model);
  }

  /** `context.product` names the product: text, or a number as text. */
  of(context: Context): JudgingSet {
    if (this.#sets.size === 0) return this.own;
    const given = context?.['product'];
    const code = typeof given === 'number' ? String(given) : given;
    const known = typeof code === 'string' ? this.#sets.get(code) : undefined;
    if (known) return known;
    const product = { isKnown: false, ...(typeof code === 'string' ? { code } : {}) };
    if (this.#config.cameras[this.#camera]!.unknownProduct === 'default') {
      return { ...this.own, product };
    }
    const review =
      given === undefined
        ? 'the picture came without a product'
        : `product ${JSON.stringify(given).slice(0, 100)} has no settings at camera ${this.#camera}`;
    return { ...this.own, product, review };
  }

  #create(code: string | undefined, product: ProductConfig): JudgingSet {
    const camera = this.#config.cameras[this.#camera]!;
    const region = product.region ?? camera.region;
    const name = product.model ?? camera.model;
    return {
      model: this.#modelOf(name),
      view: { rotation: camera.rotation, flip: camera.flip, ...(region ? { region } : {}) },
      thresholds: product.thresholds ?? camera.thresholds,
      tiling: camera.tiling ?? this.#config.models[name]?.tiling,
      rules: rulesOf(this.#config, this.#camera).filter(
        (rule) => rule.product === undefined || rule.product === code,
      ),
    };
  }
}

export const rulesOf = (config: RuntimeConfig, camera: string): NamedRule[] =>
  Object.entries(config.rules)
    .filter(([, rule]) => rule.camera === camera)
    .map(([name, rule]) => ({ ...rule, name }));
