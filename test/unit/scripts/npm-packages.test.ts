import { describe, expect, it } from 'vitest';
import { isInstalled } from '../../../scripts/setup/npm-packages.mjs';
import { requireKnownPlatform } from '../../../scripts/setup/pinned-node.mjs';

const locked = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true },
};
const { '': _root, ...installed } = locked;

describe('isInstalled', () => {
  it('accepts what the lock file asks for', () => {
    expect(isInstalled(locked, installed)).toBe(true);
  });

  it('accepts a missing optional package', () => {
    expect(isInstalled(locked, { 'node_modules/a': locked['node_modules/a'] })).toBe(true);
  });

  it('refuses a missing package', () => {
    expect(isInstalled(locked, { 'node_modules/b': locked['node_modules/b'] })).toBe(false);
  });

  it('refuses another version, other bytes and a package that should not be there', () => {
    const a = { version: '1.0.1', integrity: 'sha512-a' };
    expect(isInstalled(locked, { ...installed, 'node_modules/a': a })).toBe(false);
    const bytes = { version: '1.0.0', integrity: 'sha512-x' };
    expect(isInstalled(locked, { ...installed, 'node_modules/a': bytes })).toBe(false);
    expect(isInstalled(locked, { ...installed, 'node_modules/c': a })).toBe(false);
  });
});

describe('requireKnownPlatform', () => {
  it('accepts the platforms that have binaries', () => {
    expect(() => requireKnownPlatform('linux', 'x64', true)).not.toThrow();
    expect(() => requireKnownPlatform('linux', 'arm64', true)).not.toThrow();
  });

  it('names the platform that it does not know', () => {
    expect(() => requireKnownPlatform('darwin', 'arm64', false)).toThrow(
      'linux-x64 and linux-arm64; this is darwin-arm64',
    );
    expect(() => requireKnownPlatform('linux', 'x64', false)).toThrow('glibc');
  });
});
