import { Writable } from 'node:stream';
import { exitCodeOf } from '../../component/commands/command-context.ts';
import { createPublisherProgram } from '../../cloud-publisher/publisher-program.ts';

export interface PublisherOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function collector(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

/** The command line in this process, where a start of its own would be most of a test's time. */
export async function publisherInProcess(
  args: readonly string[],
  stateFolder: string,
): Promise<PublisherOutcome> {
  const [stdout, stderr] = [collector(), collector()];
  const streams = { stdout: stdout.stream, stderr: stderr.stream, exitCode: 0 };
  const own = new Proxy(process, {
    get: (target, key) =>
      key in streams ? streams[key as keyof typeof streams] : (Reflect.get(target, key) as unknown),
  });
  const { program, context } = createPublisherProgram(own, {
    stateFolder,
    interruption: () => new AbortController().signal,
  });
  const exitCodeBefore = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode), stdout: stdout.text(), stderr: stderr.text() };
  } catch (error) {
    return {
      code: exitCodeOf(error, context),
      stdout: stdout.text(),
      stderr: stderr.text(),
    };
  } finally {
    process.exitCode = exitCodeBefore;
  }
}
