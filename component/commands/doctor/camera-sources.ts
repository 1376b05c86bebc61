import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { RuntimeConfig } from '../../contract/config.ts';
import { ERROR_CODES, VedetteError } from '../../contract/errors.ts';
import { parseInput } from '../../camera/ffmpeg-input.ts';
import { GST_LAUNCH } from '../../camera/gstreamer-camera.ts';
import { requireAravis } from '../../../native/index.ts';
import { CheckResults, type Check, type CheckResult } from './check.ts';
import { runProgram } from '../../camera/run-program.ts';
import type { Subject } from './subject.ts';
import { groupNumbers, may, type Access } from './user.ts';

const results = new CheckResults('cameras');
const CONNECT_MS = 3000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'rtsp:': 554,
  'rtsps:': 322,
  'http:': 80,
  'https:': 443,
};
type Camera = RuntimeConfig['cameras'][string];

/** Whether what cameras read is there and open to the user: devices, folders, files, addresses. */
export const checkCameraSources: Check = async (subject) => {
  const cameras = Object.entries(subject.config.cameras).filter(([, { isEnabled }]) => isEnabled);
  if (cameras.length === 0) return [results.skipped('No camera is configured')];
  return Promise.all(cameras.map(([name, camera]) => checkCamera(name, camera, subject)));
};

async function checkCamera(name: string, { source }: Camera, subject: Subject) {
  switch (source.kind) {
    case 'push':
      return results.ok(`${name} takes what programs send`);
    case 'camera':
      return results.ok(`${name} gets the frames of camera ${source.camera}`);
    case 'test-pattern':
      return results.ok(`${name} makes its pictures itself`);
    case 'gstreamer':
      return checkGstreamer(name);
    case 'genicam':
      return checkAravis(name);
    case 'http-snapshot':
    case 'http-mjpeg':
      return checkAddress(name, source.url);
    case 'folder':
      return checkFile(name, source.path, { read: true, enter: true }, subject);
    case 'mjpeg-file':
      return checkFile(name, source.path, { read: true }, subject);
    case 'ffmpeg':
      try {
        const { kind, url } = parseInput(source);
        if (kind === 'rtsp' || kind === 'http') return await checkAddress(name, url);
        const access = { read: true, write: kind === 'device' };
        return await checkFile(name, url, access, subject);
      } catch (thrown) {
        const { message, remedy } = VedetteError.from(thrown);
        return results.fault(`${name}: ${message}`, remedy);
      }
  }
}

async function checkGstreamer(name: string): Promise<CheckResult> {
  const version = await runProgram(GST_LAUNCH, ['--version']);
  if ('failure' in version) {
    const { remedy } = ERROR_CODES.GSTREAMER_MISSING;
    return results.fault(`${name}: ${GST_LAUNCH} cannot be run: ${version.failure}`, remedy);
  }
  return results.ok(`${name}: ${version.stdout.split('\n', 1)[0]}`);
}

function checkAravis(name: string): CheckResult {
  try {
    requireAravis();
    return results.ok(`${name}: libaravis-0.8 can be loaded`);
  } catch (thrown) {
    const { message, remedy } = VedetteError.from(thrown);
    return results.fault(`${name}: ${message}`, remedy);
  }
}

async function checkFile(
  name: string,
  file: string,
  access: Access,
  { user }: Subject,
): Promise<CheckResult> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error.code ?? '');
  if (typeof found === 'string') {
    const isDevice = file.startsWith('/dev/');
    const says = `${name}: ${file} ${found === 'ENOENT' ? 'is not there' : `gives ${found}`}`;
    const remedy = isDevice
      ? 'Plug the camera in; `ls /dev/video*` and dmesg say what the kernel sees. In a container pass the device.'
      : 'Check the path and the mount.';
    return results.fault(says, remedy);
  }
  if (may(user, found, access)) return results.ok(`${name}: ${file} can be opened`);
  const group = [...(await groupNumbers())].find(([, number]) => number === found.gid)?.[0];
  return results.fault(
    `${name}: ${user.name} may not open ${file}`,
    found.isCharacterDevice() && group !== undefined
      ? `usermod -aG ${group} ${user.name}, then restart the component.`
      : `Give ${user.name} access to ${file}.`,
  );
}

/** Whether somebody listens there; whether a stream comes only the running camera knows. */
async function checkAddress(name: string, url: string): Promise<CheckResult> {
  const { hostname, port, protocol, host } = new URL(url);
  const to = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0),
  };
  const failure = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ ...to, timeout: CONNECT_MS });
    const end = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end('ETIMEDOUT'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
  if (failure === undefined) return results.ok(`${name}: ${host} can be reached`);
  return results.fault(
    `${name}: ${host} cannot be reached: ${failure}`,
    `Check the camera's power, cable and address; \`ping ${to.host}\`.`,
    { code: failure },
  );
}
