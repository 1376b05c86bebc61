import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../component/contract/tensor.ts';
import { KeptTensor, rawToTensor, type RawImage } from '../../native/index.ts';
import { busyFullHdJpeg, yuvFrame, yuyvFrame } from './bench-pictures.ts';
import type { Contender } from './measure-interleaved.ts';
import { MISSING_OPENCV, startNativeBench, type NativeBench } from './native-bench.ts';
import { pythonWith } from './python-with.ts';
import { FORMATS, FROM_NODE, KEPT, OPENCV_CPP, OPENCV_PYTHON } from './raw-names.ts';
import type { BenchContext } from './section.ts';
import { distance } from './same-tensor.ts';
import { TurnProcess, type TurnList } from './turn-process.ts';

/**
 * Two whole grey levels: rounding of colours, and of the resize, where OpenCV rounds its weights to 11
 * bits. A kernel has to be equal to the scalar one.
 */
const MOST_LEVELS_APART = 2.5;

export function letterbox(side: number): TensorSpec {
  return {
    width: side,
    height: side,
    layout: 'nchw',
    dtype: 'float32',
    colourOrder: 'rgb',
    resize: 'letterbox',
    interpolation: 'bilinear',
    scale: 1 / 255,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    padValue: 114,
  };
}

interface PythonList extends TurnList {
  readonly version: string;
}

/** Everyone who turns the same frames into the same tensors, each in a process of its own. */
export class RawContenders {
  readonly native: NativeBench;
  /** With versions, as the page names them. */
  readonly peers: readonly string[];
  /** Why peers are left out; empty when none is. */
  readonly leftOut: { readonly cpp: string; readonly python: string };
  readonly #python: TurnProcess<PythonList> | undefined;
  readonly #frames: ReadonlyMap<string, RawImage>;
  readonly #folder: string;

  static async start({ root, folder, hasPeers }: BenchContext): Promise<RawContenders> {
    mkdirSync(folder, { recursive: true });
    const busy = await busyFullHdJpeg(root);
    const frames = new Map<string, RawImage>();
    for (const format of FORMATS) {
      const frame = format === 'yuyv' ? await yuyvFrame(busy) : await yuvFrame(busy, format);
      frames.set(format, frame);
      writeFileSync(path.join(folder, format), frame.data);
    }
    const native = await startNativeBench(['--frames', folder]);
    const found = pythonWith(['cv2', 'numpy']);
    const program = path.join(root, 'test/bench/peers/opencv_preprocess.py');
    const python =
      hasPeers && found.command !== undefined
        ? await TurnProcess.start<PythonList>(OPENCV_PYTHON, found.command, [program, folder])
        : undefined;
    return new RawContenders(native, python, frames, folder, leftOut(hasPeers, native, found));
  }

  private constructor(
    native: NativeBench,
    python: TurnProcess<PythonList> | undefined,
    frames: ReadonlyMap<string, RawImage>,
    folder: string,
    left: RawContenders['leftOut'],
  ) {
    this.native = native;
    this.#python = python;
    this.#frames = frames;
    this.#folder = folder;
    this.leftOut = left;
    this.peers = [
      ...(left.cpp === '' ? [`OpenCV ${native.openCv} in C++`] : []),
      ...(python === undefined ? [] : [`in Python ${python.list.version}`]),
    ];
  }

  /** Kernels of this processor, the simplest first. */
  kernels(work: string): string[] {
    const others = [KEPT, OPENCV_CPP];
    return this.native.turns.names(work).filter((name) => !others.includes(name));
  }

  /**
   * Those of one work, after each has shown that its tensor is that of the scalar kernel.
   * @returns also how far the peers' tensors are from it at most, in grey levels
   */
  async checked(
    format: string,
    side: number,
  ): Promise<{ contenders: Contender[]; levelsApart: number }> {
    const work = `${format} ${side}`;
    const { turns } = this.native;
    const file = path.join(this.#folder, 'tensor');
    const kernels = this.kernels(work);
    const reference = await turns.tensor(work, kernels[0]!, file);
    const contenders: Contender[] = [];
    let levelsApart = 0;
    const add = (contender: Contender, tensor: Float32Array, limit: number) => {
      const { most } = distance(tensor, reference);
      if (most > limit) {
        throw new Error(
          `${work}: ${contender.name} is ${most.toFixed(2)} grey levels from the scalar kernel, at most ${limit} count as the same work`,
        );
      }
      levelsApart = Math.max(levelsApart, most);
      contenders.push(contender);
    };
    for (const name of [...kernels, KEPT]) {
      add(turns.contender(work, name), await turns.tensor(work, name, file), 0);
    }
    const ours = this.#fromNode(format, side);
    ours.run();
    add({ name: FROM_NODE, run: ours.run }, ours.out, 0);
    if (this.leftOut.cpp === '') {
      const tensor = await turns.tensor(work, OPENCV_CPP, file);
      add(turns.contender(work, OPENCV_CPP), tensor, MOST_LEVELS_APART);
    }
    if (this.#python !== undefined) {
      for (const name of this.#python.names(work)) {
        const tensor = await this.#python.tensor(work, name, file);
        add(this.#python.contender(work, name), tensor, MOST_LEVELS_APART);
      }
    }
    return { contenders, levelsApart };
  }

  async close(): Promise<void> {
    await this.native.turns.close();
    await this.#python?.close();
  }

  #fromNode(format: string, side: number): { run: () => void; out: Float32Array } {
    const spec = letterbox(side);
    const kept = new KeptTensor(new Float32Array(tensorElements(spec)));
    const frame = this.#frames.get(format)!;
    return { run: () => void rawToTensor(frame, WHOLE_FRAME, spec, kept), out: kept.data };
  }
}

function leftOut(
  hasPeers: boolean,
  { openCv }: NativeBench,
  python: ReturnType<typeof pythonWith>,
): RawContenders['leftOut'] {
  const unasked = 'OpenCV is measured by `npm run bench -- --peers`.';
  if (!hasPeers) return { cpp: unasked, python: unasked };
  return {
    cpp: openCv === undefined ? MISSING_OPENCV : '',
    python:
      python.command === undefined
        ? `OpenCV for Python is missing: apt-get install python3-opencv (${python.missing}).`
        : '',
  };
}
