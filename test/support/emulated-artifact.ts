import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

const EMULATOR = '/usr/bin/qemu-aarch64-static';
const LIBRARIES = '/usr/aarch64-linux-gnu/lib';
/** ONNX Runtime reads it and crashes on that of an x86-64 machine: a Cortex-A72. */
const CPUINFO = `processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
`;

/**
 * Makes an unpacked arm64 artifact run on an x86-64 machine: `bin/node` becomes a script that starts the
 * shipped one in the emulator, and what the runtime starts goes the same way.
 */
export async function emulateArtifact(artifact: string, scratch: string): Promise<void> {
  const root = path.join(scratch, 'root');
  await mkdir(path.join(root, 'proc'), { recursive: true });
  await symlink(LIBRARIES, path.join(root, 'lib'));
  await writeFile(path.join(root, 'proc/cpuinfo'), CPUINFO);
  const node = path.join(artifact, 'bin/node');
  const preload = path.join(scratch, 'exec-path.mjs');
  await writeFile(preload, `process.execPath = ${JSON.stringify(node)};\n`);
  await rename(node, `${node}.shipped`);
  const command = `${EMULATOR} -L '${root}' '${node}.shipped' --import '${preload}'`;
  await writeFile(node, `#!/bin/sh\nexec ${command} "$@"\n`);
  await chmod(node, 0o755);
}
