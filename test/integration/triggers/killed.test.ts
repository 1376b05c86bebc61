import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { RuntimeProcess, samples } from '../../support/runtime-process.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const accepted = { method: 'POST', headers: { 'content-type': 'application/json' } };

it('triggers of before a kill keep their answer: those that had a verdict it, those that were accepted the fail-safe one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-killed-'));
  folders.push(folder);
  const config = join(folder, 'vedette.json');
  await writeFile(
    config,
    JSON.stringify({
      server: { port: 0 },
      dataFolder: join(folder, 'data'),
      models: { brick: { package: samples('models', 'brick-anomaly') } },
      cameras: {
        dock: {
          policy: 'triggered',
          source: { kind: 'folder', path: join(folder, 'absent') },
          model: 'brick',
          trigger: { deadlineMs: 600_000, failSafe: 'review' },
        },
        belt: {
          policy: 'triggered',
          source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 20 },
          model: 'brick',
          trigger: { deadlineMs: 60_000, afterMs: 60_000 },
        },
      },
    }),
  );
  const start = () => RuntimeProcess.start({ arguments: ['run', '--config', config] });
  const post = async (runtime: RuntimeProcess, id: string, answer: string, camera = 'dock') => {
    const response = await runtime.fetch(`/api/v1/cameras/${camera}/trigger?answer=${answer}`, {
      ...accepted,
      body: JSON.stringify({ id, context: { partId: id } }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const first = await start();
  const opened = await Promise.all(['a', 'b', 'c'].map((id) => post(first, id, 'accepted')));
  expect(opened.map(({ status }) => status)).toEqual([202, 202, 202]);
  const answered = await post(first, 'judged', 'verdict', 'belt');
  expect(answered).toMatchObject({ status: 200, body: { transaction: { isFailSafe: false } } });
  process.kill(first.pid, 'SIGKILL');
  await first.ended;

  const second = await start();
  const listed = await second.fetch('/api/v1/cameras/dock/transactions');
  const { items } = (await listed.json()) as { items: Record<string, unknown>[] };
  expect(
    items.map(({ triggerId }) => triggerId).toSorted((a, b) => String(a).localeCompare(String(b))),
  ).toEqual(['a', 'b', 'c']);
  for (const item of items) {
    expect(item).toMatchObject({ end: 'fail-safe', outcome: 'review', resultId: item['id'] });
  }
  const again = await post(second, 'b', 'verdict');
  expect(again.body).toMatchObject({
    id: opened[1]!.body['id'],
    context: { partId: 'b' },
    verdict: { outcome: 'review', rule: 'fail-safe' },
    error: { code: 'TRIGGER_INTERRUPTED' },
    transaction: { isFailSafe: true },
  });
  expect(await post(second, 'judged', 'verdict', 'belt')).toEqual(answered);
  const triggered = await second.fetch('/api/v1/cameras/belt/transactions');
  expect(((await triggered.json()) as { items: unknown[] }).items).toHaveLength(1);
  process.kill(second.pid, 'SIGTERM');
  await second.ended;
}, 60_000);
