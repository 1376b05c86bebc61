import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import type { ListrDefaultRendererLogLevels } from 'listr2';
import type { PublisherContext } from './publisher-context.ts';

export type Note = (text: string) => void;

/** Shows each phase while it runs. */
export interface PhaseDisplay {
  readonly phase: <T>(title: string, action: (note: Note) => Promise<T>) => Promise<T>;
}

/**
 * On a terminal phases are drawn as they go, else they are plain lines; both on stderr, so that
 * stdout holds the result alone.
 * @param isQuiet nothing is shown: the result carries its phases itself (`--json`)
 */
export function showPhases(
  { stderr, stdout }: Pick<PublisherContext, 'stderr' | 'stdout'>,
  isQuiet: boolean,
): PhaseDisplay {
  if (isQuiet) return { phase: (_title, action) => action(() => undefined) };
  if (!stderr.isTTY) return plainLines(stderr);
  const logger = new ListrLogger<ListrDefaultRendererLogLevels>({
    processOutput: new ProcessOutput(stderr, stdout),
  });
  return {
    async phase<T>(title: string, action: (note: Note) => Promise<T>): Promise<T> {
      let result: { readonly value: T } | undefined;
      const tasks = new Listr(
        {
          title,
          task: async (_, task) => {
            result = {
              value: await action((text) => {
                task.output = text;
              }),
            };
          },
          rendererOptions: { persistentOutput: true, outputBar: Number.POSITIVE_INFINITY },
        },
        { registerSignalListeners: false, rendererOptions: { logger } },
      );
      await tasks.run();
      return result!.value;
    },
  };
}

const plainLines = (stderr: NodeJS.WritableStream): PhaseDisplay => ({
  async phase(title, action) {
    stderr.write(`${title}\n`);
    return action((text) => void stderr.write(`  ${text}\n`));
  },
});
