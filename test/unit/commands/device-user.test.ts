import type { Stats } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { may, type User } from '../../../component/commands/doctor/user.ts';

const user: User = { uid: 998, gid: 997, groups: [997, 44], name: 'ggc_user' };
const file = (mode: number, uid: number, gid: number) => ({ mode, uid, gid }) as Stats;

describe('what permissions let a user do', () => {
  test.each([
    ['the owner by the first digit alone, however wide the others', 0o077, 998, 997, false],
    ['the owner', 0o600, 998, 0, true],
    ['a member of its group, as of a camera in video', 0o660, 0, 44, true],
    ['a member whose group may not write', 0o640, 0, 44, false],
    ['anybody else by the last digit', 0o606, 0, 0, true],
    ['anybody else, shut out', 0o660, 0, 0, false],
  ])('%s', (_title, mode, uid, gid, expected) => {
    expect(may(user, file(mode, uid, gid), { read: true, write: true })).toBe(expected);
  });

  test('root everything', () => {
    const root = { ...user, uid: 0 };
    expect(may(root, file(0o000, 5, 5), { read: true, write: true, enter: true })).toBe(true);
  });
});
