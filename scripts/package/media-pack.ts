import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { downloadDebianSource } from '../setup/debian-download.mjs';
import { fingerprint, isStamped, writeStamp } from '../setup/stamp.mjs';
import { FFMPEG_PARTS } from './ffmpeg-parts.ts';
import { strip } from './native-modules.ts';
import { prepareSysroot, type Sysroot } from './sysroot.ts';
import { logFile, root, type Target } from './target.ts';

const run = promisify(execFile);
const PROGRAMS = ['ffmpeg', 'ffprobe'] as const;

/**
 * ffmpeg for devices that have none: Debian 12's source, which gets security fixes, with only the parts
 * that cameras need, none of them GPL, against the old C library of the sysroot. Debian's own binaries
 * would be 240 MB and run on Debian 12 only.
 * @returns the folder as it will lie on the device
 */
export async function stageMedia(target: Target): Promise<string> {
  const source = path.join(target.workFolder, 'ffmpeg-source');
  const folder = path.join(target.workFolder, 'media');
  const print = fingerprint(
    root,
    ['ffmpeg-parts.ts', 'media-pack.ts', 'sysroot.ts'].map((name) => `scripts/package/${name}`),
    [target.platform],
  );
  if (isStamped(`${folder}.stamp`, print)) return folder;
  const { version } = await downloadDebianSource({
    name: 'ffmpeg',
    suite: 'bookworm',
    into: source,
    logFile: logFile(`ffmpeg-${target.debianArch}`),
  });
  await compile(target, await prepareSysroot(target), source);
  await rm(folder, { recursive: true, force: true });
  for (const name of ['bin', 'licences']) await mkdir(path.join(folder, name), { recursive: true });
  for (const program of PROGRAMS) {
    const file = path.join(folder, 'bin', program);
    await copyFile(path.join(source, program), file);
    await strip(target, file);
    await chmod(file, 0o755);
  }
  for (const name of ['LICENSE.md', 'COPYING.LGPLv2.1', 'CREDITS']) {
    await copyFile(path.join(source, name), path.join(folder, 'licences', name));
  }
  await writeFile(path.join(folder, 'licences/SOURCE.txt'), sourceNote(version));
  writeStamp(`${folder}.stamp`, print);
  return folder;
}

const sourceNote = (version: string): string =>
  `ffmpeg and ffprobe are built from the Debian source package ffmpeg ${version}
(apt-get source ffmpeg=${version}), under the LGPL 2.1 or later, with:

${FFMPEG_PARTS.join('\n')}
`;

async function compile(target: Target, sysroot: Sysroot, folder: string): Promise<void> {
  const arch = target.debianArch === 'amd64' ? 'x86_64' : 'aarch64';
  const steps: [string, string[]][] = [
    [
      './configure',
      [
        `--arch=${arch}`,
        '--target-os=linux',
        '--enable-cross-compile',
        `--cross-prefix=${target.toolPrefix}`,
        `--cc=${target.toolPrefix}gcc`,
        `--extra-cflags=${sysroot.compileFlags} -ffile-prefix-map=${root}=.`,
        `--extra-ldflags=${sysroot.linkFlags}`,
        ...FFMPEG_PARTS,
      ],
    ],
    ['make', ['-j2', ...PROGRAMS]],
  ];
  for (const [command, args] of steps) {
    try {
      await run(command, args, { cwd: folder, maxBuffer: 1 << 26 });
    } catch (thrown) {
      const { stderr = '', stdout = '' } = thrown as { stderr?: string; stdout?: string };
      const text = `${stdout}${stderr}`.trim().split('\n').slice(-30).join('\n');
      throw new Error(`ffmpeg for ${target.platform}: ${command} failed:\n${text}`, {
        cause: thrown,
      });
    }
  }
}
