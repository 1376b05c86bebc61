/** `npm run parity`: compares answers on the sample pictures with those of a pipeline in Python. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { pythonWith } from '../test/bench/python-with.ts';
import { differencesOf, largestScoreDifference, type Answer } from './parity/compare-answers.ts';

const HOW_TO =
  'Install it: apt-get install python3-opencv python3-numpy, or in a virtual environment that comes first in PATH: pip install numpy opencv-python-headless onnxruntime';

const root = path.join(import.meta.dirname, '..');
const run = promisify(execFile);
const OUTPUT_BYTES = 64 * 1024 * 1024;

const SUBJECTS = [
  { family: 'detections', model: 'coco-detector', pictures: 'street', hasLabels: true },
  { family: 'anomaly', model: 'brick-anomaly', pictures: 'brick', hasLabels: false },
  { family: 'poses', model: 'movenet-pose', pictures: 'pose', hasLabels: true },
] as const;

process.exitCode = await compareAll();

/** @returns 0 when the answers agree, 1 when they do not, 2 when Python lacks what it takes */
async function compareAll(): Promise<number> {
  const complete = pythonWith(['numpy', 'cv2', 'onnxruntime']);
  const python = complete.command === undefined ? pythonWith(['numpy', 'cv2']) : complete;
  if (python.command === undefined) {
    console.error(`There is no Python with numpy and OpenCV: ${python.missing}.\n${HOW_TO}`);
    return 2;
  }
  const library = ownLibrary();
  if (complete.command === undefined && library === undefined) {
    console.error(`There is no Python with onnxruntime: ${complete.missing}.\n${HOW_TO}`);
    return 2;
  }
  console.log(
    complete.command === undefined
      ? `${python.command} has no onnxruntime: its pipeline calls the library that Vedette runs, so that decoding, scaling and reading the outputs are compared, not ONNX Runtime itself.`
      : `${python.command} with its own onnxruntime`,
  );
  let count = 0;
  for (const subject of SUBJECTS) {
    const differences = await compareOne(subject, python.command, library ?? '-');
    for (const text of differences) console.log(`  ${text}`);
    count += differences.length;
  }
  console.log(count === 0 ? 'The answers agree.' : `${count} differences.`);
  return count === 0 ? 0 : 1;
}

async function compareOne(
  { family, model, pictures, hasLabels }: (typeof SUBJECTS)[number],
  python: string,
  library: string,
): Promise<string[]> {
  const folder = path.join(root, 'samples/images', pictures);
  const files = readdirSync(folder)
    .filter((name) => /\.(?:jpe?g|png)$/.test(name))
    .map((name) => path.join(folder, name));
  const packageFolder = path.join(root, 'samples/models', model);
  const options = { cwd: root, maxBuffer: OUTPUT_BYTES };
  const program = path.join(root, 'component/main.ts');
  const ours = await run(
    process.execPath,
    [program, 'model', 'predict', packageFolder, ...files, '--variant', 'fp32', '--json'],
    options,
  );
  const theirs = await run(
    python,
    [
      path.join(import.meta.dirname, 'parity/independent_pipeline.py'),
      ...[family, path.join(packageFolder, 'model.onnx')],
      ...[hasLabels ? path.join(packageFolder, 'labels.txt') : '-', library, ...files],
    ],
    options,
  );
  const [a, b] = [linesOf(ours.stdout), linesOf(theirs.stdout)];
  const differences = differencesOf(a, b);
  console.log(
    `${model}: ${b.length} pictures, ${differences.length} differences, scores up to ${largestScoreDifference(a, b).toFixed(4)} apart`,
  );
  return differences;
}

function linesOf(text: string): Answer[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

/** ONNX Runtime's library as its npm package has it for this machine. */
function ownLibrary(): string | undefined {
  const folder = `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}`;
  const file = path.join(root, folder, 'libonnxruntime.so.1');
  return existsSync(file) ? file : undefined;
}
