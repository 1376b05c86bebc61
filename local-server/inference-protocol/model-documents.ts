import type { ModelStatus } from '../../component/contract/ports.ts';
import type { TensorDeclaration, TensorDtype } from '../../component/contract/tensor.ts';
import { VedetteError } from '../../component/contract/errors.ts';
import { datatypeOf } from './datatypes.ts';
import { integerVersion } from './model-version.ts';

const PLATFORM = 'onnxruntime_onnx';

/** `GET /v2/models/{name}`: -1 stands for a dimension that may vary. */
export function modelMetadata(model: ModelStatus): object {
  return {
    name: model.name,
    versions: versionsOf(model),
    platform: PLATFORM,
    inputs: declared(model, model.inputs).map(tensorMetadata),
    outputs: declared(model, model.outputs).map(tensorMetadata),
  };
}

/** `GET /v2/models/{name}/config`, as Triton's load generator reads it; shapes include the batch. */
export function modelConfig(model: ModelStatus): object {
  const entry = (tensor: TensorDeclaration) => ({
    name: tensor.name,
    data_type: configType(tensor.dtype),
    dims: wholeShape(tensor),
  });
  return {
    name: model.name,
    platform: PLATFORM,
    backend: 'onnxruntime',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: 0,
    input: declared(model, model.inputs).map(entry),
    output: declared(model, model.outputs).map(entry),
    instance_group: [{ name: model.name, kind: 'KIND_CPU', count: model.workers }],
  };
}

/** `POST /v2/repository/index`. */
export function repositoryEntry(model: ModelStatus): object {
  return {
    name: model.name,
    version: versionsOf(model)[0] ?? '',
    state: model.state === 'ready' ? 'READY' : 'UNAVAILABLE',
    reason: model.state === 'ready' ? '' : (model.reason?.message ?? model.state),
  };
}

function versionsOf(model: ModelStatus): string[] {
  return model.identity === undefined ? [] : [integerVersion(model.identity.version)];
}

function declared(
  model: ModelStatus,
  tensors: readonly TensorDeclaration[] | undefined,
): readonly TensorDeclaration[] {
  if (tensors !== undefined) return tensors;
  throw new VedetteError('MODEL_NOT_READY', `Model ${model.name} is ${model.state}`);
}

function tensorMetadata(tensor: TensorDeclaration): object {
  return { name: tensor.name, datatype: datatypeOf(tensor.dtype), shape: wholeShape(tensor) };
}

function wholeShape(tensor: TensorDeclaration): number[] {
  return tensor.shape.map((size) => (typeof size === 'number' ? size : -1));
}

function configType(dtype: TensorDtype): string {
  const datatype = datatypeOf(dtype);
  return `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`;
}
