import type { ComponentGateway } from '../../cloud-publisher/greengrass/component-gateway.ts';
import { componentRelease } from '../../cloud-publisher/publication/component-release.ts';
import { publishComponent } from '../../cloud-publisher/publication/publish-component.ts';
import { needsTags } from '../../cloud-publisher/recipe/needs-tags.ts';
import type { ComponentNeeds } from '../../cloud-publisher/compatibility/component-catalog.ts';
import type { PublisherRecords } from '../../cloud-publisher/registry/publisher-records.ts';
import type { ArtifactStore } from '../../cloud-publisher/storage/artifact-store.ts';
import type { PublisherFolder } from './publisher-parts.ts';

export interface TestComponent {
  readonly component: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly needs?: ComponentNeeds;
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/** Publishes small components with one artifact each, for real. */
export async function publishAll(
  components: readonly TestComponent[],
  doors: {
    readonly gateway: ComponentGateway;
    readonly store: ArtifactStore;
    readonly book: PublisherRecords;
  },
  folder: PublisherFolder,
): Promise<void> {
  for (const { component, version, dependencies = {}, needs = {}, defaults } of components) {
    const archive = await folder.archive(
      Buffer.from(`${component} ${version}`),
      `${component}.zip`,
    );
    const release = componentRelease({
      profile: 'vedette',
      component,
      version,
      artifacts: [
        { archive, key: `${component}/${version}/${archive.sha256}/${archive.fileName}` },
      ],
      tags: needsTags(needs),
      render: (uris) => ({
        RecipeFormatVersion: '2020-01-25',
        ComponentName: component,
        ComponentVersion: version,
        ComponentType: 'aws.greengrass.generic',
        ...(defaults ? { ComponentConfiguration: { DefaultConfiguration: defaults } } : {}),
        ComponentDependencies: Object.fromEntries(
          Object.entries(dependencies).map(([name, range]) => [
            name,
            { VersionRequirement: range },
          ]),
        ),
        Manifests: [
          {
            Platform: { os: 'linux', runtime: '*' },
            Lifecycle: { run: 'true' },
            Artifacts: [{ Uri: uris.get(archive.sha256) }],
          },
        ],
      }),
    });
    await publishComponent(release, doors, { polling: { attempts: 50, intervalMs: 5 } });
  }
}
