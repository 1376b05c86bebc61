import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { VedetteError } from '../../contract/errors.ts';
import { kernelName } from '../../../native/index.ts';
import { CheckResults, type Check, type CheckResult } from './check.ts';

const results = new CheckResults('system');
/** What the shipped binaries ask for. */
const LEAST_GLIBC = [2, 31] as const;
/** Instructions that make models or pictures faster, as /proc/cpuinfo calls them. */
const FEATURES = /^(avx2|avx512f|avx512_vnni|avx_vnni|amx_int8|asimd|asimddp|i8mm|sve)$/;

/** C library and processor. */
export const checkSystem: Check = async () => [libc(), await processor()];

function libc(): CheckResult {
  const { header } = report();
  const version = header.glibcVersionRuntime;
  if (version === undefined) {
    const says = 'The C library is not glibc';
    return results.fault(says, 'Use a distribution with glibc 2.31 or later.');
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = LEAST_GLIBC;
  const isOld = major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
  const facts = { glibc: version, kernel: os.release(), machine: os.machine() };
  if (!isOld) return results.ok(`glibc ${version}, Linux ${os.release()}`, facts);
  const wanted = LEAST_GLIBC.join('.');
  return results.fault(`glibc ${version} is older than ${wanted}`, 'Update the system.', facts);
}

function report(): { readonly header: { readonly glibcVersionRuntime?: string } } {
  // Else it asks the name server for every address that this process speaks with.
  Object.assign(process.report, { excludeNetwork: true });
  return process.report.getReport() as ReturnType<typeof report>;
}

async function processor(): Promise<CheckResult> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const words = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
  const features = words.filter((word) => FEATURES.test(word));
  const cores = os.availableParallelism();
  try {
    const kernel = kernelName();
    const facts = { cores, features, kernel };
    const list = features.length > 0 ? features.join(', ') : 'none that speed it up';
    return results.ok(`${cores} cores with ${list}; pictures are prepared by ${kernel}`, facts);
  } catch (thrown) {
    const { message, remedy } = VedetteError.from(thrown);
    return results.fault(message, remedy, { cores, features });
  }
}
