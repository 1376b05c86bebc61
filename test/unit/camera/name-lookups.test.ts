import type { LookupAddress } from 'node:dns';
import { expect, it } from 'vitest';
import { NameLookups } from '../../../component/camera/name-lookups.ts';

/** Look-ups that last until they are told to end. */
function held() {
  const asked: { name: string; end: (addresses: LookupAddress[]) => void }[] = [];
  const lookups = new NameLookups((name, _options, callback) => {
    asked.push({ name, end: (addresses) => callback(null, addresses) });
  });
  const look = (name: string, all = true) =>
    new Promise((resolve) =>
      lookups.lookup(name, { all }, (error, address, family) =>
        resolve(error ? error.code : family === undefined ? address : [address, family]),
      ),
    );
  return { asked, look };
}

const HERE = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];

it('asks for a name once, however many wait for it, and again for who comes later', async () => {
  const { asked, look } = held();
  const all = [look('gate'), look('gate'), look('gate', false)];
  expect(asked.map(({ name }) => name)).toEqual(['gate']);
  asked[0]!.end(HERE);
  expect(await Promise.all(all)).toEqual([HERE, HERE, ['::1', 6]]);
  const later = look('gate');
  expect(asked).toHaveLength(2);
  asked[1]!.end([]);
  expect(await later).toBe('ENOTFOUND');
});

it('leaves threads to others: a third name is put off until one has its answer', async () => {
  const { asked, look } = held();
  const gate = look('gate');
  void look('belt');
  expect(await look('dock')).toBe('EAGAIN');
  expect(asked.map(({ name }) => name)).toEqual(['gate', 'belt']);
  asked[0]!.end(HERE);
  await gate;
  const dock = look('dock');
  asked[2]!.end(HERE);
  expect(await dock).toEqual(HERE);
});
