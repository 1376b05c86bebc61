import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** Compiles `record-writes.c` when it is newer than its library; gives the library's path. */
export function buildRecorder(): string {
  const source = path.join(import.meta.dirname, 'record-writes.c');
  const folder = path.join(import.meta.dirname, '../../../build/test');
  const library = path.join(folder, 'record-writes.so');
  if (existsSync(library) && statSync(library).mtimeMs > statSync(source).mtimeMs) return library;
  mkdirSync(folder, { recursive: true });
  const part = `${library}.${process.pid}`;
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', part, source, '-ldl', '-lpthread']);
  renameSync(part, library);
  return library;
}
