import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ComponentGateway } from '../../../cloud-publisher/greengrass/component-gateway.ts';
import { publishComponent } from '../../../cloud-publisher/publication/publish-component.ts';
import type { PublicationDoors } from '../../../cloud-publisher/publication/publish-component.ts';
import type { Polling } from '../../../cloud-publisher/publication/wait-until-deployable.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import type { ArtifactStore } from '../../../cloud-publisher/storage/artifact-store.ts';
import { PublisherFolder, releaseOf } from '../../support/publisher-parts.ts';

export interface GatewayUnderTest {
  readonly gateway: ComponentGateway;
  readonly store: ArtifactStore;
  /** Another name every time where the account is somebody's own. */
  readonly component?: string;
  /** As short as an emulation allows when absent. */
  readonly polling?: Polling;
  readonly close: () => Promise<void>;
}

const POLLING: Polling = { attempts: 50, intervalMs: 5 };

/** What publishing does, whatever the components are kept in. */
export function describeComponentGateway(
  name: string,
  open: () => Promise<GatewayUnderTest>,
  timeoutMs = 60_000,
): void {
  describe(`components in ${name}`, { timeout: timeoutMs }, () => {
    let folder: PublisherFolder;
    let tested: GatewayUnderTest;
    let doors: PublicationDoors;
    let book: PublisherRecords;
    let component = '';
    beforeAll(async () => {
      folder = await PublisherFolder.create();
      tested = await open();
      component = tested.component ?? 'io.vedette.model.parts';
      book = await PublisherRecords.open(folder.fresh());
      doors = { store: tested.store, gateway: tested.gateway, book };
    });
    afterAll(async () => {
      tested.gateway.close();
      tested.store.close();
      await book.close();
      await tested.close();
      await folder.close();
    });
    const publish = async (content: string, version = '1.0.0') =>
      publishComponent(
        releaseOf(await folder.archive(Buffer.from(content)), version, component),
        doors,
        { polling: tested.polling ?? POLLING },
      );

    it('become deployable, are found with their content and their recipe, and listed', async () => {
      expect(await tested.gateway.find(component, '1.0.0')).toBeUndefined();
      expect(await tested.gateway.versions(component)).toEqual([]);
      const published = await publish('first');
      expect(published).toMatchObject({ state: 'DEPLOYABLE', isNew: true, version: '1.0.0' });
      const found = await tested.gateway.find(component, '1.0.0');
      expect(found).toMatchObject({ state: 'DEPLOYABLE', errors: {} });
      expect(found!.tags['vedette:content-sha256']).toBe(published.contentSha256);
      expect(await tested.gateway.recipe(component, '1.0.0')).toMatchObject({
        ComponentName: component,
      });
      await publish('second', '1.10.0');
      await publish('third', '1.9.0');
      expect(await tested.gateway.versions(component)).toEqual(['1.10.0', '1.9.0', '1.0.0']);
      const listed = (await tested.gateway.list()).filter((one) => one.component === component);
      expect(listed).toHaveLength(1);
    });

    it('are the same when published again, and refused with the next version when they are others', async () => {
      expect(await publish('first')).toMatchObject({ isNew: false, state: 'DEPLOYABLE' });
      await expect(publish('something else')).rejects.toMatchObject({
        code: 'COMPONENT_VERSION_EXISTS',
        details: { nextVersion: '1.10.1' },
      });
    });

    it('may be published by several at once: all succeed with the same content', async () => {
      const all = await Promise.all([1, 2, 3, 4].map(() => publish('at once', '2.0.0')));
      expect(all.map(({ state }) => state)).toEqual(Array(4).fill('DEPLOYABLE'));
      expect(new Set(all.map(({ contentSha256 }) => contentSha256)).size).toBe(1);
    });

    it('may be published by several at once with other content: one wins, the others are refused', async () => {
      const contents = ['a', 'b', 'c'];
      const all = await Promise.allSettled(contents.map((content) => publish(content, '3.0.0')));
      const won = all.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const one of all) {
        if (one.status === 'rejected') {
          expect(['COMPONENT_VERSION_EXISTS', 'ARTIFACT_CONFLICT']).toContain(one.reason.code);
        }
      }
    });

    it('are removed, and an unknown one is named as such', async () => {
      await publish('gone', '4.0.0');
      await tested.gateway.remove(component, '4.0.0');
      await tested.gateway.remove(component, '4.0.0');
      expect(await tested.gateway.find(component, '4.0.0')).toBeUndefined();
      await expect(tested.gateway.recipe(component, '4.0.0')).rejects.toMatchObject({
        code: 'COMPONENT_NOT_FOUND',
      });
    });

    it('leave records of how far each version came', async () => {
      await publish('recorded', '5.0.0');
      expect((await book.unfinished()).map(({ version }) => version)).not.toContain('5.0.0');
    });
  });
}
