import { modelOutputSchema } from '../contract/model-manifest.ts';
import type { ModelManifest } from '../contract/model-manifest.ts';
import type { InputOrigins } from './package/input-origins.ts';
import { inputOrigins } from './package/input-origins.ts';
import { readModelMetadata } from './package/model-metadata.ts';
import { whyNotHere } from './package/pick-variant.ts';
import type { ModelPackage } from './package/read-package.ts';
import { recogniseFamily } from './package/recognise-family.ts';
import { TASKS_WITHOUT_LABELS } from './package/suggest-manifest.ts';

/** What is known of a package beyond what stands in it: where it comes from, and what it lacks. */
export interface PackageFacts {
  /** Where each value of the input comes from. */
  readonly origins: InputOrigins;
  readonly decoder: {
    /** What it reads, in words. */
    readonly reads: string;
    /** The decoder that the file's outputs and metadata would be given without a `model.json`. */
    readonly recognised?: string;
    readonly namedBy: 'model.json' | 'manifest.json' | 'the outputs of the file';
  };
  /** `labels.txt`, `model.json` or the metadata; absent without labels. */
  readonly labelsFrom?: string;
  readonly variants: readonly {
    readonly name: string;
    readonly file: string;
    readonly precision: string;
    /** Why it does not run here. */
    readonly whyNotHere?: string;
    /** Of the one that was taken. */
    readonly reason?: string;
  }[];
  /** What the author left out, each with what to write. */
  readonly missing: readonly string[];
}

export type PackageKind = 'package' | 'dda-package' | 'onnx-file';

const AUTHORS = {
  package: 'model.json',
  'dda-package': 'manifest.json',
  'onnx-file': "the family's public models",
} as const;

export function packageFacts(model: ModelPackage, kind: PackageKind): PackageFacts {
  const { manifest, structure, labels } = model;
  const recognised = recogniseFamily(structure, readModelMetadata(structure.metadata));
  const namedBy =
    kind === 'onnx-file'
      ? 'the outputs of the file'
      : kind === 'package'
        ? 'model.json'
        : 'manifest.json';
  const origins = inputOrigins(model, AUTHORS[kind]);
  return {
    origins,
    decoder: {
      reads: decoderText(manifest.output.decoder),
      ...(recognised ? { recognised: recognised.output.decoder } : {}),
      namedBy,
    },
    ...(labels.length > 0 ? { labelsFrom: labelsFrom(manifest, AUTHORS[kind]) } : {}),
    variants: manifest.variants.map((variant) => {
      const why = whyNotHere(variant);
      return {
        name: variant.name,
        file: variant.file,
        precision: variant.precision,
        ...(why === undefined ? {} : { whyNotHere: why }),
        ...(variant.name === model.variant.name ? { reason: model.variantReason } : {}),
      };
    }),
    missing: kind === 'package' ? missing(model, origins) : [],
  };
}

/** The description of the decoder in the manifest's schema. */
function decoderText(decoder: ModelManifest['output']['decoder']): string {
  for (const { shape } of modelOutputSchema.options) {
    if (shape.decoder.value === decoder) return shape.decoder.description ?? '';
  }
  return '';
}

const labelsFrom = ({ labels }: ModelManifest, author: string): string =>
  typeof labels === 'string' ? labels : labels ? author : "the file's metadata";

function missing(
  { manifest, labels, variant, sha256 }: ModelPackage,
  origins: InputOrigins,
): string[] {
  const assumed = Object.entries(origins)
    .filter(([, origin]) => origin === 'assumed')
    .map(([field]) => `input.${field}`);
  return [
    ...(assumed.length > 0 ? [`${assumed.join(', ')}: assumed; write what the training used`] : []),
    ...(labels.length === 0 && !TASKS_WITHOUT_LABELS.has(manifest.task)
      ? ['labels: classes are called by their index; name a text file with one label a line']
      : []),
    ...(manifest.golden.length === 0
      ? ['golden: without pictures and what is expected of them, only that it runs is checked']
      : []),
    ...(variant.sha256 === undefined
      ? [`variants: sha256 of '${variant.name}', so that a damaged file is refused: ${sha256}`]
      : []),
    ...(manifest.licence === '' ? ['licence: what the model may be used for'] : []),
  ];
}
