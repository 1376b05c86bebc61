import { runtimeConfigSchema } from '../../../component/contract/config.ts';

export const configDefaults = runtimeConfigSchema.parse({});
