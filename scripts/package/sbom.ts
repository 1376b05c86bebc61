import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { writeFile } from 'node:fs/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { partRecords, type Part } from './notices.ts';
import type { Target } from './target.ts';

/** What ships, as a CycloneDX 1.6 document: the same for the same parts, so without a time or a serial. */
export async function writeSbom(
  file: string,
  parts: readonly Part[],
  target: Target,
): Promise<void> {
  const { name, version } = packageJson;
  const bom = new Models.Bom();
  const reference = (key: string) => ({ bomRef: key });
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, name, {
    version,
    ...reference(`${name}@${version}`),
    description: `Edge runtime for ${target.platform}`,
  });
  for (const record of await partRecords(parts)) {
    const key = `${record.name}@${record.version}`;
    const component = new Models.Component(Enums.ComponentType.Library, record.name, {
      version: record.version,
      ...reference(key),
      ...(record.kind === 'npm'
        ? { purl: `pkg:npm/${record.name.replace('@', '%40')}@${record.version}` }
        : {}),
    });
    component.licenses.add(
      /^[\w.+-]+$/.test(record.licence)
        ? new Models.SpdxLicense(record.licence)
        : / (AND|OR|WITH) /.test(record.licence)
          ? new Models.LicenseExpression(record.licence)
          : new Models.NamedLicense(record.licence),
    );
    bom.components.add(component);
    bom.metadata.component.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(
    new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
  );
  await writeFile(file, `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`);
}
