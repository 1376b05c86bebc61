import { execFile, type ChildProcess } from 'node:child_process';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fillTemplate } from '../../../cloud-publisher/recipe/fill-template.ts';
import { COMPONENT_NAME, type ComponentFolder } from './component-folder.ts';

export interface ModelComponent {
  readonly name: string;
  readonly version: string;
  readonly modelName: string;
  readonly modelVersion: string;
  /** Folder of its artifact, and the artifact's name in it. */
  readonly artifacts: string;
  readonly fileName: string;
}

export interface StartupEnd {
  readonly code: number;
  readonly lines: readonly string[];
}

export interface RunningStartup {
  readonly ended: Promise<StartupEnd>;
  readonly kill: () => void;
}

/** Runs the `startup` of the model recipe as a nucleus would: variables replaced, the rest for `sh`. */
export async function runStartup(
  runtime: ComponentFolder,
  component: ModelComponent,
  waitSeconds = 40,
): Promise<StartupEnd> {
  return (await beginStartup(runtime, component, waitSeconds)).ended;
}

/** The same, to be killed on the way. */
export async function beginStartup(
  runtime: ComponentFolder,
  component: ModelComponent,
  waitSeconds = 40,
): Promise<RunningStartup> {
  const file = path.join(import.meta.dirname, '../../../recipes/model.yaml');
  const recipe = fillTemplate(parse(await readFile(file, 'utf8')), {
    componentName: component.name,
    componentVersion: component.version,
    description: 'a model',
    publisher: 'a test',
    runtimeComponent: COMPONENT_NAME,
    runtimeRequirement: '>=0.1.0',
    architecture: 'amd64',
    timeoutSeconds: waitSeconds + 20,
    waitSeconds,
    fileName: component.fileName,
    modelName: component.modelName,
    modelVersion: component.modelVersion,
    uri: `s3://bucket/${component.fileName}`,
  }) as { Manifests: [{ Lifecycle: { startup: { Script: string } } }] };
  const script = recipe.Manifests[0].Lifecycle.startup.Script.replaceAll(
    '{artifacts:path}',
    component.artifacts,
  ).replaceAll('{kernel:rootPath}', runtime.rootPath);
  let child: ChildProcess | undefined;
  const ended = new Promise<StartupEnd>((resolve) => {
    child = execFile('/bin/sh', ['-c', script], (error, stdout) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, lines: stdout.trim().split('\n') });
    });
  });
  return { ended, kill: () => child?.kill('SIGKILL') };
}
