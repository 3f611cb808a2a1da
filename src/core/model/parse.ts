import { failure, type Problem, type Result, success } from '../result.ts';
import { ConfigFields, isRecord } from './configFields.ts';
import { scaledContext } from './contextLength.ts';
import type { DataType, ModelFacts } from './facts.ts';
import { generic } from './families/generic.ts';
import { coveredModelTypes, familyOf, familyOfArchitecture } from './families/registry.ts';
import { generatesText, structureNotCovered } from './notCovered.ts';
import { parametersByKind } from './parts.ts';
import { quantizationFacts } from './quantization.ts';

/**
 * Model facts from a parsed config.json. Never throws. Problems: `model.not-an-object`, `model.missing-field`,
 * `model.bad-field`, `model.too-large`, and `model.not-covered` for structures (experts, latent attention,
 * state spaces, vision) that would be mis-estimated as a dense decoder. A dense model of another family is read
 * by its common fields, `generic: true`, with the warning `model.generic`.
 */
export function parseModelConfig(
  config: unknown,
  identity: { readonly id: string; readonly source: string },
): Result<ModelFacts> {
  if (!isRecord(config)) {
    return failure({
      code: 'model.not-an-object',
      message: `The config.json of ${identity.id} is not a JSON object.`,
    });
  }
  const fields = new ConfigFields(config);
  const architecture = fields.firstText('architectures');
  const modelType =
    fields.text('model_type') ??
    (architecture === undefined ? undefined : familyOfArchitecture(architecture)?.modelType);
  if (fields.problems.length > 0) return failure(...fields.problems);
  if (modelType === undefined) {
    return failure({
      code: 'model.missing-field',
      message: `The config.json of ${identity.id} has no "model_type", so its family is not known.`,
      path: ['model_type'],
    });
  }

  const family = familyOf(modelType);
  const notCovered = whyNotCovered(fields, modelType, architecture, family !== undefined);
  if (notCovered !== undefined) return failure(notCovered);

  const reader = family ?? generic;
  const textFields =
    reader.textSection === undefined ? fields : (fields.section(reader.textSection) ?? fields);
  const shape = reader.shape(textFields, fields);
  const maxPositionEmbeddings = scaledContext(textFields, reader.maxPositionEmbeddings(textFields));
  const dataType = dataTypeOf(fields);
  const quantization = quantizationFacts(fields);
  if (fields.problems.length > 0) {
    const problems = uniqueByPath(fields.problems);
    return failure(
      ...(family === undefined
        ? problems.map((problem) => ofFamilyNotCovered(problem, modelType))
        : problems),
    );
  }

  const parameters = parametersByKind(shape.layers, shape.outerWeights);
  if (!Number.isSafeInteger(parameters.total)) {
    return failure({
      code: 'model.too-large',
      message: `The sizes in the config.json of ${identity.id} multiply to more parameters than any model has.`,
    });
  }
  const facts: ModelFacts = {
    id: identity.id,
    modelType,
    architecture: architecture ?? reader.architecture,
    ...shape,
    maxPositionEmbeddings,
    dataType,
    ...(quantization === undefined ? {} : { quantization }),
    parameters,
    generic: family === undefined,
    source: identity.source,
  };
  return success(facts, family === undefined ? [genericWarning(modelType)] : []);
}

function whyNotCovered(
  fields: ConfigFields,
  modelType: string,
  architecture: string | undefined,
  covered: boolean,
): Problem | undefined {
  const structure = structureNotCovered(fields);
  if (structure !== undefined) {
    return {
      code: 'model.not-covered',
      message: `Models of type "${modelType}" with ${structure.what} are not covered yet, so nothing is estimated ("${structure.field}").`,
      path: [structure.field],
    };
  }
  if (!covered && architecture !== undefined && !generatesText(architecture)) {
    return {
      code: 'model.not-covered',
      message: `"${architecture}" does not generate text as a decoder does, so nothing is estimated.`,
      path: ['architectures'],
    };
  }
  return undefined;
}

export function genericWarning(modelType: string): Problem {
  return {
    code: 'model.generic',
    message: `The family "${modelType}" is not covered (covered: ${coveredModelTypes().join(', ')}); it is sized as a plain gated decoder, with wide bands.`,
    path: ['model_type'],
  };
}

/** A family whose fields have other names is not covered, rather than wrongly written. */
function ofFamilyNotCovered(problem: Problem, modelType: string): Problem {
  if (problem.code !== 'model.missing-field') return problem;
  return {
    ...problem,
    code: 'model.not-covered',
    message: `The family "${modelType}" is not covered yet, and its config.json lacks the fields that most decoders share ("${problem.path?.join('.') ?? ''}"), so nothing is estimated.`,
  };
}

/** `torch_dtype`, or `dtype` as newer files name it. Absent means float32, as the libraries read it. */
function dataTypeOf(fields: ConfigFields): DataType {
  const name = fields.value('dtype') === undefined ? 'torch_dtype' : 'dtype';
  const written = fields.text(name)?.replace(/^torch\./, '') ?? 'float32';
  if (written === 'bfloat16' || written === 'float16' || written === 'float32') return written;
  fields.reject(name, 'bfloat16, float16 or float32');
  return 'float32';
}

function uniqueByPath(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = problem.path?.join('/') ?? problem.message;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
