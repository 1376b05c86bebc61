import { buildBench, COMPILER_FLAGS, MISSING_OPENCV } from '../../native/bench/build.mjs';
import { TurnProcess, type TurnList } from './turn-process.ts';

export interface NativeList extends TurnList {
  /** Of the last-level cache; 0 where the system does not say. */
  readonly cacheBytes: number;
  readonly compiler: string;
}

export interface NativeBench {
  readonly turns: TurnProcess<NativeList>;
  /** As the page says it: compiler and flags. */
  readonly built: string;
  /** Version; absent where it is not installed. */
  readonly openCv: string | undefined;
}

export { MISSING_OPENCV };

let built: ReturnType<typeof buildBench> | undefined;

/**
 * The core in a program of its own, without Node, that can force each kernel; compiled once in a run.
 * @param args as native/bench/main.cc takes them after `serve`
 */
export async function startNativeBench(args: readonly string[]): Promise<NativeBench> {
  built ??= buildBench();
  const { program, openCv } = built;
  const turns = await TurnProcess.start<NativeList>('native/bench', program, ['serve', ...args]);
  return {
    turns,
    built: `${turns.list.compiler} with \`${COMPILER_FLAGS.join(' ')}\``,
    openCv,
  };
}
