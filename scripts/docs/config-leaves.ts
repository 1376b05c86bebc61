import type { JsonSchema } from './json-schemas.ts';

/** One value that can be configured. */
export interface ConfigLeaf {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
  /** What a change restarts. */
  readonly restart: string | undefined;
}

/** Leaves that stand together: a section of the reference page. */
export interface ConfigGroup {
  readonly title: string;
  readonly description: string;
  readonly leaves: readonly ConfigLeaf[];
}

interface Place {
  readonly path: string;
  readonly isRequired: boolean;
  /** What a change restarts. */
  readonly restart: string | undefined;
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The discriminator of a union of objects, when it has one: a property that is constant in each. */
export function discriminatorOf(schema: JsonSchema): string | undefined {
  const choices = schema.oneOf ?? schema.anyOf;
  const [first] = choices ?? [];
  return Object.keys(first?.properties ?? {}).find((key) =>
    choices?.every((choice) => choice.properties?.[key]?.const !== undefined),
  );
}

/**
 * The groups of an object: its own leaves (with those of plain inner objects), then one group for
 * each map of objects and each kind of a discriminated union.
 */
export function groupsOf(schema: JsonSchema, title: string, path = ''): ConfigGroup[] {
  const inner: ConfigGroup[] = [];
  const leaves = leavesOf(schema, path, schema.restart, inner);
  const group = { title, description: schema.description ?? '', leaves };
  return [...(leaves.length > 0 ? [group] : []), ...inner];
}

function leavesOf(
  schema: JsonSchema,
  path: string,
  restart: string | undefined,
  groups: ConfigGroup[],
): ConfigLeaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    leafOrGroups(
      value.description === undefined && schema.description !== undefined && path !== ''
        ? { ...value, description: schema.description }
        : value,
      {
        path: join(path, key),
        isRequired: schema.required?.includes(key) ?? false,
        restart: restart ?? value.restart,
      },
      groups,
    ),
  );
}

function leafOrGroups(schema: JsonSchema, place: Place, groups: ConfigGroup[]): ConfigLeaf[] {
  const { path } = place;
  const ofEach = schema.additionalProperties;
  if (discriminatorOf(schema) !== undefined) {
    groups.push(...kindGroups(schema, path, '', place.restart));
    return [];
  }
  if (typeof ofEach === 'object') {
    const each = `${path}.<${schema.propertyNames?.pattern?.startsWith('^[a-z0-9]') ? 'name' : 'key'}>`;
    if (discriminatorOf(ofEach) !== undefined) {
      groups.push(...kindGroups(ofEach, each, schema.description ?? '', place.restart));
      return [];
    }
    if (ofEach.properties) {
      const [first, ...rest] = groupsOf(ofEach, each, each);
      if (first) groups.push({ ...first, description: schema.description ?? '' });
      groups.push(...rest);
      return [];
    }
    const description = schema.description ?? '';
    return [{ ...place, path: each, schema: { ...ofEach, description } }];
  }
  // An inner object with a description of its own is one value (a region); else its leaves count.
  if (schema.properties && Object.keys(schema.properties).length > 0 && !isOneValue(schema)) {
    if (path.includes('.')) return leavesOf(schema, path, place.restart, groups);
    groups.push(...groupsOf(schema, path, path));
    return [];
  }
  return [{ ...place, schema }];
}

/** An object whose every field must be given, such as a size or a region. */
const isOneValue = (schema: JsonSchema): boolean =>
  schema.description !== undefined &&
  Object.keys(schema.properties ?? {}).length === (schema.required ?? []).length;

/** One group for what all kinds share, one for each kind. */
function kindGroups(
  schema: JsonSchema,
  path: string,
  description: string,
  restart: string | undefined,
): ConfigGroup[] {
  const choices = schema.oneOf ?? schema.anyOf ?? [];
  const kind = discriminatorOf(schema) ?? 'kind';
  const [first] = choices;
  const shared = Object.keys(first?.properties ?? {}).filter(
    (key) =>
      key !== kind &&
      choices.every(
        (choice) =>
          JSON.stringify(choice.properties?.[key]) === JSON.stringify(first?.properties?.[key]) &&
          choice.required?.includes(key) === first?.required?.includes(key),
      ),
  );
  const nested: ConfigGroup[] = [];
  const only = (choice: JsonSchema, keys: readonly string[]): ConfigLeaf[] =>
    leavesOf(
      {
        ...choice,
        properties: Object.fromEntries(
          Object.entries(choice.properties ?? {}).filter(([key]) => keys.includes(key)),
        ),
      },
      path,
      restart,
      nested,
    );
  const kinds = choices.map((choice) => String(choice.properties?.[kind]?.const));
  const discriminator: ConfigLeaf = {
    path: join(path, kind),
    schema: { enum: kinds, description: 'Its kind; each has its own values, below' },
    isRequired: true,
    restart,
  };
  const common: ConfigGroup = {
    title: path,
    description,
    leaves: [discriminator, ...(first ? only(first, shared) : [])],
  };
  const each = choices.map((choice, index) => ({
    title: `\`${path}\` of ${kind} \`${kinds[index]}\``,
    description: choice.properties?.[kind]?.description ?? '',
    leaves: only(
      choice,
      Object.keys(choice.properties ?? {}).filter((key) => key !== kind && !shared.includes(key)),
    ),
  }));
  return [common, ...each, ...nested];
}
