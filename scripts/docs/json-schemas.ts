import { z } from 'zod';
import { runtimeConfigSchema } from '../../component/contract/config.ts';
import { modelManifestSchema } from '../../component/contract/model-manifest.ts';

/** The parts of JSON Schema (draft 2020-12) that our schemas give, plus `restart` of config.ts. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly restart?: string;
}

/** What a person may write: what has a default is not required. */
function inputSchema(schema: z.ZodType, title: string): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // Zod leaves the default out where a value is read from a string too (see config.ts).
      if (def.type === 'default' && jsonSchema.default === undefined) {
        jsonSchema.default = def.defaultValue as never;
      }
    },
  });
  const { $schema, ...rest } = json as JsonSchema;
  return { ...($schema === undefined ? {} : { $schema }), title, ...rest };
}

export const configJsonSchema = (): JsonSchema =>
  inputSchema(runtimeConfigSchema, 'Configuration of the Vedette edge runtime');

export const manifestJsonSchema = (): JsonSchema =>
  inputSchema(modelManifestSchema, 'model.json of a Vedette model package');
