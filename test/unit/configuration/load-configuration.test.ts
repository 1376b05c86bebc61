import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { explainConfiguration } from '../../../component/configuration/explain-configuration.ts';
import { loadConfiguration } from '../../../component/configuration/load-configuration.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

const LINE = `
dataFolder: data
models:
  parts: { package: parts }
cameras:
  dock:
    model: parts
    slots: "5"
    isEnabled: "false"
    source: { kind: folder, path: drop, mode: watch }
`;

async function problemsIn(text: string): Promise<{ path: string; message: string }[]> {
  const file = await write('line.yaml', text);
  const error: unknown = await loadConfiguration({ file }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(VedetteError);
  expect((error as VedetteError).code).toBe('CONFIG_INVALID');
  return (error as VedetteError).details['problems'] as { path: string; message: string }[];
}

describe('loadConfiguration', () => {
  it('gives defaults when nothing is set', async () => {
    const { config } = await loadConfiguration({ overrides: { dataFolder: folder } });
    expect(config).toEqual({ ...runtimeConfigSchema.parse({}), dataFolder: folder });
  });

  it('reads numbers and booleans that arrive as strings, as Greengrass sends them', async () => {
    const { config } = await loadConfiguration({ file: await write('line.yaml', LINE) });
    expect(config.cameras['dock']).toMatchObject({ slots: 5, isEnabled: false });
  });

  it('takes relative paths from the folder of the file that names them', async () => {
    const { config } = await loadConfiguration({ file: await write('line.yaml', LINE) });
    expect(config.dataFolder).toBe(join(folder, 'data'));
    expect(config.models['parts']?.package).toBe(join(folder, 'parts'));
    expect(config.cameras['dock']?.source).toMatchObject({ path: join(folder, 'drop') });
  });

  it('leaves stream addresses as they are', async () => {
    const file = await write(
      'line.yaml',
      LINE.replace(/source:.*/, 'source: { kind: ffmpeg, url: "rtsp://camera-1/stream" }'),
    );
    const { config } = await loadConfiguration({ file });
    expect(config.cameras['dock']?.source).toMatchObject({ url: 'rtsp://camera-1/stream' });
  });

  it('lists five mistakes at once, each with its path and what came', async () => {
    const problems = await problemsIn(`
server: { port: 99999 }
models:
  parts: { package: parts, workers: many }
cameras:
  dock:
    model: prats
    slotz: 4
    source: { kind: folder, path: drop, mode: sometimes }
`);
    expect(problems.map(({ path }) => path).sort()).toEqual([
      'cameras.dock.model',
      'cameras.dock.slotz',
      'cameras.dock.source.mode',
      'models.parts.workers',
      'server.port',
    ]);
    const about = (path: string) => problems.find((one) => one.path === path)?.message;
    expect(about('server.port')).toMatch(/65535, got 99999/);
    expect(about('models.parts.workers')).toMatch(/got "many"/);
    expect(about('cameras.dock.model')).toBe(
      'names the model or chain "prats", but configured are parts',
    );
    expect(about('cameras.dock.source.mode')).toMatch(/"loop"\|"once"\|"watch", got "sometimes"/);
  });

  it('names the kinds of source that exist when one does not', async () => {
    const problems = await problemsIn(
      LINE.replace(/source:.*/, 'source: { kind: webcam, path: /dev/video0 }'),
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ path: expect.stringContaining('cameras.dock.source') });
    expect(problems[0]?.message).toMatch(/folder.*mjpeg-file.*ffmpeg.*push.*"webcam"/);
  });

  it('refuses rules whose values contradict each other', async () => {
    const problems = await problemsIn(`${LINE}
rules:
  a: { camera: dock, kind: anomaly, reviewAt: 0.8, failAt: 0.5 }
  b: { camera: dock, kind: count, minimum: 5, maximum: 2 }
  c: { camera: dock, kind: count }
  d: { camera: gate, kind: score-between, from: 0.5, to: 0.5 }
`);
    expect(problems.map(({ path }) => path)).toEqual([
      'rules.d.camera',
      'rules.a.reviewAt',
      'rules.b.minimum',
      'rules.c',
      'rules.d.from',
    ]);
  });

  it('refuses rules for scores that a configured threshold leaves out', async () => {
    const problems = await problemsIn(`
models: { parts: { package: parts } }
cameras:
  plain: { model: parts, source: { kind: push }, thresholds: { score: 0.5, labels: { dent: 0.2 } } }
  line:
    model: parts
    source: { kind: push }
    thresholds: { score: 0.6 }
    products: { P1: { thresholds: { score: 0.2 } }, P2: { thresholds: { labels: { dent: 0.4 } } } }
rules:
  any: { camera: plain, kind: score-between, from: 0.3, to: 0.6 }
  off: { camera: plain, kind: score-between, from: 0.3, to: 0.6, isEnabled: false }
  dent: { camera: plain, kind: score-between, label: dent, from: 0.2, to: 0.6 }
  below: { camera: plain, kind: score-between, label: dent, from: "0.1", to: 0.6 }
  above: { camera: plain, kind: score-between, from: 0.5, to: 0.6 }
  products: { camera: line, kind: score-between, from: 0.3, to: 0.6 }
  first: { camera: line, product: P1, kind: score-between, from: 0.3, to: 0.6 }
`);
    expect(problems).toMatchObject([
      {
        path: 'rules.any.from',
        message:
          'must be at or above `cameras.plain.thresholds.score` (0.5), since lower scores are left out, got 0.3',
      },
      {
        path: 'rules.below.from',
        message: expect.stringContaining('`cameras.plain.thresholds.labels.dent` (0.2)') as string,
      },
      {
        path: 'rules.products.from',
        message: expect.stringContaining(
          '`cameras.line.products.P2.thresholds.labels.dent` (0.4)',
        ) as string,
      },
    ]);
  });

  it('refuses cameras that could not be started, all at once', async () => {
    const problems = await problemsIn(`
models: { parts: { package: parts } }
cameras:
  a: { model: parts, policy: newest, source: { kind: folder, path: drop, mode: watch } }
  b: { model: parts, policy: newest, source: { kind: push } }
  c: { model: parts, source: { kind: ffmpeg, url: "gopher://camera/stream" } }
  d: { model: parts, source: { kind: ffmpeg, url: "rtsp://camera:port/stream" } }
  e: { model: parts, source: { kind: ffmpeg, url: "file:///videos/100%/a.mp4" } }
  f: { model: parts, slots: 64, maxFrameBytes: 1073741824, source: { kind: push } }
  g: { model: parts, source: { kind: ffmpeg, url: "http://camera/x", username: u, inputFormat: mjpeg } }
  h: { model: parts, policy: newest, source: { kind: folder, path: drop } }
  i: { model: parts, slots: 8, maxFrameBytes: 1073741824, source: { kind: push } }
  j: { model: parts, source: { kind: ffmpeg, url: "rtsp://camera:554/100%25/a@b" } }
`);
    expect(problems.map(({ path }) => path)).toEqual([
      'cameras.a.policy',
      'cameras.b.policy',
      'cameras.c.source.url',
      'cameras.d.source.url',
      'cameras.e.source.url',
      'cameras.f.slots',
      'cameras.g.source.inputFormat',
    ]);
    expect(problems[2]?.message).toMatch(/rtsp\(s\).*got gopher:/);
    expect(problems[4]?.message).toMatch(/%25/);
  });

  it('refuses a capture rule that would keep nothing', async () => {
    const problems = await problemsIn(`${LINE}
captures:
  a: { camera: dock }
  b: { outcomes: { fail: "false" }, minIntervalMs: 100 }
  c: { outcomes: { fail: "true" } }
  d: { everyNth: 10 }
  e: { scoreBelow: 0.5 }
`);
    expect(problems.map(({ path }) => path)).toEqual(['captures.a', 'captures.b']);
    expect(problems[0]?.message).toMatch(/everyNth.*scoreBelow.*outcomes/);
  });

  it('reads decimal numbers only', async () => {
    for (const port of ['0x50', '0b11', '0o17', '8_080', 'Infinity', '']) {
      const text = `server: { port: ${JSON.stringify(port)} }`;
      expect(await problemsIn(text), port).toMatchObject([{ path: 'server.port' }]);
    }
    for (const port of ['8080', ' 8080 ', '8080.0', '8.08e3']) {
      const file = await write('line.yaml', `server: { port: ${JSON.stringify(port)} }`);
      expect((await loadConfiguration({ file })).config.server.port, port).toBe(8080);
    }
  });

  it('wants a token when it listens on anything but a loopback address', async () => {
    expect(await problemsIn('server: { host: 0.0.0.0 }')).toMatchObject([{ path: 'server.token' }]);
    const file = await write('open.yaml', 'server: { host: "0.0.0.0", token: { env: TOKEN } }');
    await expect(loadConfiguration({ file })).resolves.toBeDefined();
  });

  it('names the line where YAML is broken', async () => {
    const file = await write('line.yaml', 'cameras:\n  dock: [1, 2\n');
    await expect(loadConfiguration({ file })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringMatching(/line 3/),
    });
  });

  it('says which file is missing', async () => {
    const file = join(folder, 'nowhere.yaml');
    await expect(loadConfiguration({ file })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `Cannot read ${file}: there is no such file`,
    });
  });

  it('survives a bomb of YAML aliases', async () => {
    const levels = Array.from({ length: 9 }, (_, i) =>
      i === 0
        ? 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
        : `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}*a${i - 1}]`,
    );
    const file = await write('bomb.yaml', levels.join('\n'));
    await expect(loadConfiguration({ file })).rejects.toBeInstanceOf(VedetteError);
  });
});

describe('the station file', () => {
  const station = async (text: string) => {
    const file = await write(
      'line.yaml',
      LINE.replace('dataFolder: data', `dataFolder: ${folder}`),
    );
    await write('station.yaml', text);
    return loadConfiguration({ file });
  };

  it('wins over the deployment, key by key, and loses to the command line', async () => {
    await write('station.yaml', 'server: { port: 9000 }\ncameras: { dock: { slots: 7 } }');
    const file = await write(
      'line.yaml',
      LINE.replace('dataFolder: data', `dataFolder: ${folder}`),
    );
    const loaded = await loadConfiguration({ file, overrides: { server: { port: 9001 } } });
    expect(loaded.config.cameras['dock']).toMatchObject({ slots: 7, isEnabled: false });
    expect(loaded.config.server.port).toBe(9001);

    const origin = (path: string) =>
      explainConfiguration(loaded).find((setting) => setting.path === path)?.origin;
    expect(origin('server.port')).toBe('command line');
    expect(origin('cameras.dock.slots')).toMatch(/^station/);
    expect(origin('cameras.dock.isEnabled')).toMatch(/^deployment/);
    expect(origin('cameras.dock.rotation')).toBe('default');
  });

  it('must not set what the deployment locks', async () => {
    const file = await write(
      'line.yaml',
      `${LINE.replace('dataFolder: data', `dataFolder: ${folder}`)}\nlocks: { cameras.dock.source: true }`,
    );
    await write('station.yaml', 'cameras: { dock: { source: { path: /elsewhere } } }');
    await expect(loadConfiguration({ file })).rejects.toMatchObject({
      details: { problems: [{ path: 'cameras.dock.source' }] },
    });
  });

  it('must not move the data folder that it lies in', async () => {
    await expect(station('dataFolder: /elsewhere')).rejects.toMatchObject({
      details: { problems: [{ path: 'dataFolder' }] },
    });
  });
});

it('tiles that would never get on are refused, those of models and of cameras', async () => {
  const text = LINE.replace(
    '{ package: parts }',
    '{ package: parts, tiling: { tileWidth: "320", overlapPx: "320" } }',
  ).replace('    slots: "5"', '    tiling: { tileWidth: 640, tileHeight: 64, overlapPx: 100 }');
  expect(await problemsIn(text)).toEqual([
    { path: 'models.parts.tiling.overlapPx', message: 'must be below `tileWidth` (320), got 320' },
    { path: 'cameras.dock.tiling.overlapPx', message: 'must be below `tileHeight` (64), got 100' },
  ]);
});

it('scaling is refused where the picture is needed in full, and for sources that have none', async () => {
  const scaled = (camera: string, source = '{ kind: ffmpeg, url: /data/a.mp4, scaling: model }') =>
    `thing: line-1
models: { parts: { package: parts }, tiled: { package: parts, tiling: {} } }
chains: { both: { steps: { find: { model: parts } } } }
cameras: { dock: { source: ${source}, ${camera} } }
`;
  const refused = (reason: string) => [
    {
      path: 'cameras.dock.source.scaling',
      message: `cannot be "model", since ${reason} in full; set it to "none"`,
    },
  ];
  expect(await problemsIn(scaled('model: both'))).toEqual(
    refused('the chain "both" takes its crops from the picture'),
  );
  expect(await problemsIn(scaled('model: parts, products: { P2: { model: both } }'))).toEqual(
    refused('the chain "both" takes its crops from the picture'),
  );
  expect(await problemsIn(scaled('model: tiled'))).toEqual(
    refused('the tiles of the model "tiled" are cut from the picture'),
  );
  expect(await problemsIn(scaled('model: parts, tiling: { overlapPx: 8 }'))).toEqual(
    refused('the tiles of the camera are cut from the picture'),
  );
  const other = '{ kind: push, scaling: model }';
  expect(await problemsIn(scaled('model: parts', other))).toMatchObject([
    { path: 'cameras.dock.source.scaling' },
  ]);
  const load = async (text: string) =>
    (await loadConfiguration({ file: await write('line.yaml', text) })).config.cameras['dock']!;
  const untiled = await load(scaled('model: tiled, tiling: { isEnabled: "false" }'));
  expect(untiled.source).toMatchObject({ scaling: 'model' });
  expect((await load(scaled('model: parts').replace(', scaling: model', ''))).source).toMatchObject(
    {
      scaling: 'none',
    },
  );
});

it('products are checked as a whole: their models, their settings and the rules for them', async () => {
  const text =
    LINE.replace(
      '    slots: "5"',
      `    unknownProduct: guess
    products:
      P200: { model: gone, thresholds: { score: "0.4" } }
      "17": { thresholds: { score: 2 }, regions: {} }`,
    ) +
    `rules:
  a: { camera: dock, product: P200, kind: anomaly }
  b: { camera: dock, product: P201, kind: anomaly }
`;
  expect((await problemsIn(text)).map(({ path }) => path).toSorted()).toEqual([
    'cameras.dock.products.17.regions',
    'cameras.dock.products.17.thresholds.score',
    'cameras.dock.products.P200.model',
    'cameras.dock.unknownProduct',
    'rules.b.product',
  ]);
});

describe('zones, lines and the rules on them', () => {
  const SPACE = `${LINE}
zones:
  press: { camera: dock, polygon: [{ x: 0, y: 0 }, { x: 9, y: 0 }, { x: 9, y: 9 }] }
  flat: { camera: dock, polygon: [{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 9, y: 9 }] }
  away: { camera: gone, polygon: [{ x: 0, y: 0 }, { x: 9, y: 0 }, { x: 9, y: 9 }] }
lines:
  gate: { camera: dock, points: [{ x: 0, y: 0 }, { x: 9, y: 0 }] }
  dot: { camera: dock, points: [{ x: 3, y: 3 }, { x: 3, y: 3 }] }
rules:
  a: { camera: dock, kind: occupancy, zone: pres, maximum: 1 }
  b: { camera: dock, kind: occupancy, zone: press }
  c: { camera: dock, kind: crossing, line: gate, minimum: 2 }
  d: { camera: dock, kind: dwell, zone: away, maximumMs: 10 }
  e: { camera: dock, kind: count, zone: nowhere, maximum: 1 }
`;

  it('are checked as a whole: every problem is listed', async () => {
    const problems = await problemsIn(SPACE);
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'lines.dot.points',
      'rules.a.zone',
      'rules.b',
      'rules.c.withinMs',
      'rules.d.zone',
      'rules.e.zone',
      'zones.away.camera',
      'zones.flat.polygon',
    ]);
    expect(problems.find(({ path }) => path === 'rules.a.zone')?.message).toBe(
      'names the zone "pres", but configured are press, flat, away',
    );
  });

  it('cannot be judged by a camera that is told not to follow objects', async () => {
    const off = SPACE.replace('slots: "5"', 'tracking: { isEnabled: "false" }');
    const paths = (await problemsIn(off)).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['lines.gate', 'rules.a.kind', 'rules.d.kind']));
  });
});
