import { runProgram } from '../run-program.ts';

export interface GenicamFound {
  readonly name: string;
  /** What `source.camera` is set to: its IP address, its name over USB. */
  readonly camera: string;
}

const PROGRAM = 'arv-tool-0.8';

/** Industrial cameras that Aravis sees; `undefined` where its tool (aravis-tools-cli) cannot be run. */
export async function genicamCameras(): Promise<GenicamFound[] | undefined> {
  const end = await runProgram(PROGRAM, []);
  return 'failure' in end ? undefined : parseGenicam(end.stdout);
}

/** Reads a line for each camera: `Basler-21234567 (192.168.10.20)`, over USB `Vendor-1234 (USB3)`. */
export function parseGenicam(text: string): GenicamFound[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([\w .:-]{1,150}) \(([\w.:-]+)\)$/.exec(line.trim());
    if (found === null) return [];
    const [, name, where] = found;
    return [{ name: name!, camera: /^[\d.]+$/.test(where!) ? where! : name! }];
  });
}
