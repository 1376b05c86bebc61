// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emulatesArm64 } from './arm64-target.mjs';
import { readOsRelease } from './os-release.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {'run' | 'package' | 'test' | 'deep'} Level each includes the one before */
const LEVELS = /** @type {const} */ (['run', 'package', 'test', 'deep']);

const CPU = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const LIBRARIES = `/usr/lib/${CPU}-linux-gnu`;
/** From that of Debian 12 and Ubuntu 22.04 on; what stands beyond the last is only looked for in vain. */
const CLANG_VERSIONS = Array.from({ length: 17 }, (_, index) => 14 + index);
const POSTGRESQL_VERSIONS = Array.from({ length: 10 }, (_, index) => 13 + index);

/** GStreamer's RTSP server, a camera for tests: its parts and a file of each. */
const RTSP_SERVER = Object.entries({
  'python3-gi': '/usr/lib/python3/dist-packages/gi/__init__.py',
  'gir1.2-gst-rtsp-server-1.0': `${LIBRARIES}/girepository-1.0/GstRtspServer-1.0.typelib`,
  'gstreamer1.0-plugins-base': `${LIBRARIES}/gstreamer-1.0/libgstvideotestsrc.so`,
  'gstreamer1.0-plugins-good': `${LIBRARIES}/gstreamer-1.0/libgstrtp.so`,
  'gstreamer1.0-plugins-bad': `${LIBRARIES}/gstreamer-1.0/libgstvideoparsersbad.so`,
  'gstreamer1.0-plugins-ugly': `${LIBRARIES}/gstreamer-1.0/libgstx264.so`,
}).map(([name, file]) => ({
  name,
  level: /** @type {const} */ ('test'),
  why: 'a real RTSP server to test cameras with',
  files: [file],
}));

/** Programs that set and watch pins, whose arguments tests compare with ours. */
const GPIO_PROGRAMS = [
  {
    name: 'gpiod',
    level: /** @type {const} */ ('test'),
    why: 'checks how pins are set and watched',
    commands: ['gpioset', 'gpiomon'],
  },
];

/** What lists the rates of a USB camera, of which tests have one. */
const USB_PROGRAMS = [
  {
    name: 'v4l-utils',
    level: /** @type {const} */ ('test'),
    why: 'lists the rates of USB cameras',
    commands: ['v4l2-ctl'],
  },
];

/** What tells a process names and a time that are not the machine's. */
const LYING_SURROUNDINGS = Object.entries({
  'libnss-wrapper': `${LIBRARIES}/libnss_wrapper.so`,
  libfaketime: `${LIBRARIES}/faketime/libfaketimeMT.so.1`,
}).map(([name, file]) => ({
  name,
  level: /** @type {const} */ ('test'),
  why: 'names that stop resolving and a clock that is set, for one process',
  files: [file],
}));

/** GStreamer and Aravis as sources, and a GenICam camera for tests, which Aravis has one of. */
const GSTREAMER_SOURCES = Object.entries({
  'gstreamer1.0-tools': '/usr/bin/gst-launch-1.0',
  'libaravis-0.8-0': `${LIBRARIES}/libaravis-0.8.so.0`,
  'aravis-tools-cli': '/usr/bin/arv-tool-0.8',
  'gir1.2-aravis-0.8': `${LIBRARIES}/girepository-1.0/Aravis-0.8.typelib`,
}).map(([name, file]) => ({
  name,
  level: /** @type {const} */ ('test'),
  why: 'pipelines and a GenICam camera to test sources with',
  files: [file],
}));

/** What artifacts are made with. */
const PACKAGING_TOOLS = [
  {
    name: 'debian-archive-keyring',
    level: /** @type {const} */ ('package'),
    why: 'checks the old libraries that artifacts are linked against',
    files: ['/usr/share/keyrings/debian-archive-keyring.gpg'],
  },
  {
    name: 'dpkg-dev',
    level: /** @type {const} */ ('package'),
    why: "unpacks ffmpeg's source for the media pack",
    commands: ['dpkg-source'],
  },
  ...(process.arch === 'x64'
    ? [
        {
          name: 'nasm',
          level: /** @type {const} */ ('package'),
          why: "assembles ffmpeg's fast loops for the media pack",
          commands: ['nasm'],
        },
        {
          name: 'g++-aarch64-linux-gnu',
          level: /** @type {const} */ ('package'),
          why: 'compiles the addon for arm64',
          files: ['/usr/bin/aarch64-linux-gnu-g++'],
        },
      ]
    : []),
];

/** What runs the addon for 64-bit Arm on another machine. */
const ARM64_TOOLS = [
  {
    name: 'qemu-user-static',
    level: /** @type {const} */ ('test'),
    why: 'runs tests for arm64',
    files: ['/usr/bin/qemu-aarch64-static'],
  },
];

/**
 * What the distribution must provide, found by a file or a command because that takes no time.
 * @type {readonly { name: string, ubuntuName?: string, level: Level, why: string,
 *   files?: string[], commands?: string[] }[]}
 */
export const DEBIAN_PACKAGES = [
  { name: 'g++', level: 'run', why: 'compiles the addon', commands: ['g++'] },
  { name: 'make', level: 'run', why: 'builds the addon (node-gyp)', commands: ['make'] },
  { name: 'python3', level: 'run', why: 'node-gyp is written in it', commands: ['python3'] },
  {
    name: 'libjpeg-dev',
    level: 'run',
    why: 'libjpeg-turbo, which decodes and encodes JPEG in the addon',
    files: ['/usr/include/jpeglib.h'],
  },
  { name: 'ffmpeg', level: 'run', why: 'opens video files and streams', commands: ['ffmpeg'] },
  {
    name: 'chromium',
    ubuntuName: 'chromium-browser',
    level: 'test',
    why: 'looks at the web page in tests',
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
  },
  {
    name: 'unzip',
    level: 'test',
    why: 'unpacks artifacts as the container file does',
    commands: ['unzip'],
  },
  {
    name: 'openssl',
    level: 'test',
    why: 'makes the certificate authority of a broker that tests connect to',
    commands: ['openssl'],
  },
  {
    name: 'mosquitto',
    level: 'test',
    why: 'a real MQTT broker in the place of AWS IoT Core in tests',
    files: ['/usr/sbin/mosquitto'],
  },
  {
    name: 'clang-format',
    level: 'test',
    why: 'checks how the C++ files are formatted',
    commands: ['clang-format'],
  },
  {
    name: 'clang',
    level: 'test',
    why: 'builds the fuzz targets of the addon',
    commands: ['clang++'],
  },
  {
    name: 'libclang-rt-dev',
    // Ubuntu 22.04 has no such package: there libFuzzer comes with clang. apt takes a pattern that
    // matches nothing for nothing to do.
    ubuntuName: '?exact-name(libclang-rt-dev)',
    level: 'test',
    why: 'libFuzzer and the sanitizers of clang',
    files: CLANG_VERSIONS.map(
      (version) => `/usr/lib/clang/${version}/lib/linux/libclang_rt.fuzzer-${CPU}.a`,
    ),
  },
  {
    name: 'postgresql',
    level: 'test',
    why: "keeps the publisher's records in tests",
    files: POSTGRESQL_VERSIONS.map((version) => `/usr/lib/postgresql/${version}/bin/initdb`),
  },
  {
    name: 'bindfs',
    level: 'test',
    why: 'a file system that stops answering, as a share whose server is gone',
    commands: ['bindfs'],
  },
  ...LYING_SURROUNDINGS,
  ...PACKAGING_TOOLS,
  ...RTSP_SERVER,
  ...GPIO_PROGRAMS,
  ...USB_PROGRAMS,
  ...GSTREAMER_SOURCES,
  ...(emulatesArm64() ? ARM64_TOOLS : []),
  {
    name: 'valgrind',
    level: 'deep',
    why: 'finds reads of memory that nobody wrote',
    commands: ['valgrind'],
  },
];

/**
 * @param {Level} level
 * @param {(path: string) => boolean} [exists]
 * @param {string} [searchPath] as in `PATH`
 */
export function missingDebianPackages(
  level,
  exists = existsSync,
  searchPath = process.env['PATH'] ?? '',
) {
  const folders = [...searchPath.split(':').filter(Boolean), '/usr/bin', '/usr/local/bin'];
  const hasCommand = (/** @type {string} */ name) =>
    folders.some((folder) => exists(join(folder, name)));
  return DEBIAN_PACKAGES.filter(
    (entry) =>
      LEVELS.indexOf(entry.level) <= LEVELS.indexOf(level) &&
      !(entry.files ?? []).some(exists) &&
      !(entry.commands ?? []).some(hasCommand),
  );
}

/**
 * What to do about missing packages: install them, or tell the person at the keyboard.
 * @param {readonly (typeof DEBIAN_PACKAGES)[number][]} missing
 * @param {import('./os-release.mjs').OsRelease} os
 * @param {boolean} isRoot
 * @returns {{ install: string[] } | { explain: string }}
 */
export function planDebianPackages(missing, os, isRoot) {
  const isUbuntu = os.id === 'ubuntu' || os.like.includes('ubuntu');
  const isDebian = os.id === 'debian' || os.like.includes('debian') || isUbuntu;
  const names = missing.map((entry) => (isUbuntu && entry.ubuntuName) || entry.name);
  if (isDebian && isRoot) return { install: names };
  const wanted = missing.map((entry) => `  ${entry.name}: ${entry.why}`);
  const quoted = names.map((name) => (/^[\w.+-]+$/.test(name) ? name : `'${name}'`));
  const way = isDebian
    ? ['Install what is missing, then run the same command again:', '']
    : [
        `The set-up installs packages on Debian and Ubuntu only; this is «${os.id}».`,
        'Install what provides the same here. On Debian it would be:',
        '',
      ];
  return {
    explain: [
      'Missing from this machine:',
      ...wanted,
      ...way,
      `  sudo apt-get install -y --no-install-recommends ${quoted.join(' ')}`,
    ].join('\n'),
  };
}

/**
 * @param {Level} level
 * @param {string} root
 * @param {string} logFile
 */
export async function installDebianPackages(level, root, logFile) {
  const missing = missingDebianPackages(level);
  const plan = planDebianPackages(missing, readOsRelease(), process.getuid?.() === 0);
  if ('explain' in plan) throw new SetupError(plan.explain, 2);
  const apt = { command: 'apt-get', cwd: root, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  const names = plan.install.join(' ');
  const hint = `By hand: apt-get update && apt-get install -y --no-install-recommends ${names}`;
  const what = `Debian packages (${names})`;
  // A list that cannot be updated may still be good enough: only the installation decides.
  await runLogged({ ...apt, what, args: [...wait, 'update'], logFile: `${logFile}.update` }).catch(
    () => undefined,
  );
  const args = [...wait, 'install', '-y', '--no-install-recommends', ...plan.install];
  await runLogged({ ...apt, what, args, logFile, hint });
}
