import path from 'node:path';
import { explainConfiguration } from '../../configuration/explain-configuration.ts';
import { VedetteError } from '../../contract/errors.ts';
import { ModelStore } from '../../inference/model-store/model-store.ts';
import type { CommandContext } from '../command-context.ts';
import { loadDeviceConfiguration } from '../device-configuration.ts';
import { examinationText, examine } from '../doctor/examine.ts';
import { openSubject, type Subject } from '../doctor/subject.ts';
import type { RuntimeAddressOptions } from '../runtime-client.ts';
import { readStatus } from '../status.ts';
import { SupportBundle } from './bundle.ts';
import { addComponentFiles, addJournal } from './component-files.ts';
import { addMachineFiles } from './machine-files.ts';
import { readableSecrets, Redactor } from './redactor.ts';

export interface BundleOptions extends RuntimeAddressOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** Looks at the device, collects, and writes the file. */
export async function makeBundle(options: BundleOptions, context: CommandContext): Promise<void> {
  const subject = await openSubject(options, context);
  const { config, environment } = subject;
  const secrets = await readableSecrets(config, environment, context.readSecret);
  const bundle = new SupportBundle(new Redactor(secrets));

  const examination = await examine(subject);
  bundle.addJson('doctor.json', examination);
  bundle.add('doctor.txt', examinationText(examination));
  const loaded = await loadDeviceConfiguration(options.config, context);
  bundle.addJson('configuration.json', explainConfiguration(loaded));
  await addStates(bundle, subject);
  await addMachineFiles(bundle);
  const { home } = context.greengrass;
  if (home !== undefined) await addComponentFiles(bundle, home);
  else await addJournal(bundle, 'logs/journal-vedette.log', ['-u', 'vedette']);

  const at = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const file = path.resolve(options.out ?? `vedette-support-${config.thing}-${at}.tar.gz`);
  const bytes = await bundle.write(file);
  const { missing } = bundle;
  context.stdout.write(
    options.json
      ? `${JSON.stringify({ file, bytes, missing })}\n`
      : `${file}, ${(bytes / 1e6).toFixed(2)} MB\n` +
          missing.map(({ name, reason }) => `without ${name}: ${reason}\n`).join('') +
          'Known secrets and what looks like one are taken out; look through it before you send it.\n',
  );
}

/** What the runtime says, and which models lie on the disk. */
async function addStates(bundle: SupportBundle, { client, config }: Subject): Promise<void> {
  try {
    const { models, damaged } = await new ModelStore(config.dataFolder).list();
    bundle.addJson('models.json', [...models, ...damaged]);
  } catch (thrown) {
    bundle.miss('models.json', VedetteError.from(thrown).message);
  }
  if (!client) {
    bundle.miss('status.json', 'no runtime runs, or its token may not be read');
    return;
  }
  try {
    bundle.addJson('status.json', await readStatus(client));
    bundle.add('metrics.txt', await client.text('/metrics'));
  } catch (thrown) {
    bundle.miss('status.json', VedetteError.from(thrown).message);
  }
}
