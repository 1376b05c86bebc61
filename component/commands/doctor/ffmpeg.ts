import { CheckResults, type Check } from './check.ts';
import { runProgram } from '../../camera/run-program.ts';

const results = new CheckResults('ffmpeg');
const HARDWARE_DECODER = /^ V\S{5} (\S+_(?:v4l2m2m|cuvid|qsv|nvv4l2dec|nvmpi|rkmpp|vaapi))\b/gm;

/** Which ffmpeg is used, and whether it can open what is configured. */
export const checkFfmpeg: Check = async ({ config }) => {
  const { path } = config.ffmpeg;
  const users = Object.entries(config.cameras).flatMap(([name, { isEnabled, source }]) =>
    isEnabled && source.kind === 'ffmpeg' ? [{ name, url: source.url }] : [],
  );
  const version = await runProgram(path, ['-hide_banner', '-version']);
  if ('failure' in version) {
    const why = version.failure === 'ENOENT' ? 'is not there' : `cannot be run: ${version.failure}`;
    const says = `ffmpeg (${path}) ${why}`;
    const remedy =
      'Deploy the component with its media pack, install ffmpeg (apt-get install ffmpeg), or set ffmpeg.path.';
    if (users.length === 0) return [results.warning(`${says}; no camera needs it`, remedy)];
    const names = users.map(({ name }) => name).join(', ');
    return [results.fault(`${says}, and these cameras need it: ${names}`, remedy)];
  }
  const list = async (what: string) => {
    const end = await runProgram(path, ['-hide_banner', what]);
    return 'stdout' in end ? end.stdout : '';
  };
  const [protocols, decoders, methods] = await Promise.all(
    ['-protocols', '-decoders', '-hwaccels'].map(list),
  );
  const number = /^ffmpeg version (\S+)/.exec(version.stdout)?.[1] ?? 'unknown';
  const hasTls = /^\s*tls$/m.test(protocols ?? '');
  const hardwareDecoders = [...(decoders ?? '').matchAll(HARDWARE_DECODER)].map(([, name]) => name);
  const hardwareMethods = (methods ?? '').split('\n').slice(1).filter(Boolean);
  const facts = { path, version: number, hasTls, hardwareDecoders, hardwareMethods };
  const secure = users.filter(({ url }) => /^(rtsps|https):/i.test(url)).map(({ name }) => name);
  if (secure.length > 0 && !hasTls) {
    return [
      results.fault(
        `ffmpeg ${number} (${path}) was built without TLS, which these cameras need: ${secure.join(', ')}`,
        "Install the distribution's ffmpeg and set ffmpeg.path to it (/usr/bin/ffmpeg).",
        facts,
      ),
    ];
  }
  const kinds = new Set(hardwareDecoders.map((name) => name?.replace(/^[^_]+_/, '')));
  const hardware = kinds.size > 0 ? [...kinds].join(', ') : 'none';
  return [
    results.ok(
      `ffmpeg ${number} (${path}), ${hasTls ? 'with' : 'without'} TLS, hardware decoders built in: ${hardware}`,
      facts,
    ),
  ];
};
