import { describe, expect, it } from 'vitest';
import {
  DEBIAN_PACKAGES,
  missingDebianPackages,
  planDebianPackages,
} from '../../../scripts/setup/debian-packages.mjs';
import { parseOsRelease } from '../../../scripts/setup/os-release.mjs';

const BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n';
const NOBLE = "NAME='Ubuntu'\nID=ubuntu\nID_LIKE=debian\n";
const debian = parseOsRelease(BOOKWORM);
const names = (level: 'run' | 'test' | 'deep', exists: (path: string) => boolean): string[] =>
  missingDebianPackages(level, exists, '/bin').map((entry) => entry.name);

describe('parseOsRelease', () => {
  it('reads plain and quoted values', () => {
    expect(debian).toEqual({ id: 'debian', like: [] });
    expect(parseOsRelease(NOBLE)).toEqual({ id: 'ubuntu', like: ['debian'] });
    expect(parseOsRelease('ID="linuxmint"\nID_LIKE="ubuntu debian"')).toEqual({
      id: 'linuxmint',
      like: ['ubuntu', 'debian'],
    });
  });

  it('falls back to «linux» when the file says nothing', () => {
    expect(parseOsRelease('')).toEqual({ id: 'linux', like: [] });
    expect(parseOsRelease('# no fields\nnonsense')).toEqual({ id: 'linux', like: [] });
  });
});

describe('missingDebianPackages', () => {
  it('finds nothing missing where every file and command exists', () => {
    expect(names('deep', () => true)).toEqual([]);
  });

  it('asks for more the more is run', () => {
    const run = names('run', () => false);
    const test = names('test', () => false);
    const deep = names('deep', () => false);
    expect(test).toEqual(expect.arrayContaining(run));
    expect(deep).toEqual(DEBIAN_PACKAGES.map((entry) => entry.name));
    expect(run.length).toBeLessThan(test.length);
    expect(run).toContain('ffmpeg');
    expect(run).not.toContain('chromium');
  });

  it('takes a command in any folder of PATH, and any of several that serve', () => {
    expect(names('run', (path) => path === '/bin/ffmpeg')).not.toContain('ffmpeg');
    expect(names('test', (path) => path === '/bin/google-chrome')).not.toContain('chromium');
  });
});

describe('planDebianPackages', () => {
  const missing = DEBIAN_PACKAGES.filter((entry) => ['g++', 'chromium'].includes(entry.name));

  it('installs as root on Debian and what is like it', () => {
    expect(planDebianPackages(missing, debian, true)).toEqual({ install: ['g++', 'chromium'] });
    const mint = parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"');
    expect(planDebianPackages(missing, mint, true)).toEqual({
      install: ['g++', 'chromium-browser'],
    });
  });

  it('gives the exact line to run when not root', () => {
    const plan = planDebianPackages(missing, debian, false);
    const { explain } = plan as { explain: string };
    expect(explain).toContain('sudo apt-get install -y --no-install-recommends g++ chromium');
    expect(explain).toContain('g++: compiles the addon');
  });

  it('quotes for the shell what it hands to apt as a pattern', () => {
    const entry = DEBIAN_PACKAGES.filter(({ name }) => name === 'libclang-rt-dev');
    const ubuntu = parseOsRelease(NOBLE);
    expect(planDebianPackages(entry, ubuntu, true)).toEqual({
      install: ['?exact-name(libclang-rt-dev)'],
    });
    const { explain } = planDebianPackages(entry, ubuntu, false) as { explain: string };
    expect(explain).toContain("--no-install-recommends '?exact-name(libclang-rt-dev)'");
    expect(explain).toContain('libclang-rt-dev: libFuzzer');
  });

  it('finds libFuzzer of any version of clang', () => {
    const isOf = (version: string) => (file: string) =>
      file.startsWith(`/usr/lib/clang/${version}/lib/linux/libclang_rt.fuzzer-`);
    expect(names('test', isOf('14'))).not.toContain('libclang-rt-dev');
    expect(names('test', isOf('19'))).not.toContain('libclang-rt-dev');
    expect(names('test', isOf('3.9'))).toContain('libclang-rt-dev');
  });

  it('names the distribution that it does not know, even as root', () => {
    const fedora = parseOsRelease('ID=fedora');
    const { explain } = planDebianPackages(missing, fedora, true) as { explain: string };
    expect(explain).toContain('this is «fedora»');
    expect(explain).toContain('g++ chromium');
  });
});
