import { failure, type Problem, type Result, success } from '../result.ts';
import { ConfigFields, isRecord } from './configFields.ts';
import { contextBeforeLongRope, scaledContext, statedContext, stretchedByYarn } from './contextLength.ts';
import type { DataType, ModelFacts } from './facts.ts';
import { generic } from './families/generic.ts';
import { familyOf, familyOfArchitecture } from './families/registry.ts';
import { towerFamilyOf } from './families/towerRegistry.ts';
import type { ModelFamily } from './family.ts';
import { genericWarning } from './genericWarning.ts';
import { encoderBeside, generatesText, type NotCovered, unreadStructure } from './notCovered.ts';
import { overriddenConfig } from './overrides.ts';
import { parametersByKind } from './parts.ts';
import { quantizationFacts } from './quantization/quantization.ts';
import { textSection, withOuterTie } from './textSection.ts';
import { towerReader } from './towerReader.ts';

export interface ModelIdentity {
  readonly id: string;
  readonly source: string;
  /** The value of `--hf-overrides`: put into config.json before it is read. What is no JSON object is left alone. */
  readonly overrides?: string;
}

/**
 * Model facts from a parsed config.json. Never throws. Problems: `model.not-an-object`, `model.missing-field`,
 * `model.bad-field`, `model.too-large`, and `model.not-covered` for what would be sized as something else: encoders,
 * structures that the family has no place for. A family that is not known is read by the fields that most share,
 * `generic: true`, with the warning `model.generic`.
 */
export function parseModelConfig(written: unknown, identity: ModelIdentity): Result<ModelFacts> {
  const overridden =
    isRecord(written) && identity.overrides !== undefined
      ? overriddenConfig(written, identity.overrides)
      : undefined;
  const config = overridden ?? written;
  if (!isRecord(config)) {
    return failure({
      code: 'model.not-an-object',
      message: `The config.json of ${identity.id} is not a JSON object.`,
    });
  }
  const whole = new ConfigFields(config);
  const architecture = whole.firstText('architectures');
  const statedType = whole.text('model_type');
  if (whole.problems.length > 0) return failure(...whole.problems);
  const { family, modelType, fields, covered } = readerOf(whole, statedType, architecture);
  if (modelType === undefined) {
    return failure({
      code: 'model.missing-field',
      message: `The config.json of ${identity.id} has no "model_type", so its family is not known.`,
      path: ['model_type'],
    });
  }
  const beside = encoderBeside(whole);
  if (beside !== undefined) return failure(notCovered(modelType, beside));
  if (family === undefined && architecture !== undefined && !generatesText(architecture)) {
    return failure({
      code: 'model.not-covered',
      message: `"${architecture}" does not generate text as a decoder does, so nothing is estimated.`,
      path: ['architectures'],
    });
  }

  const reader = family ?? generic;
  const shape = reader.shape(fields, whole);
  const stated = reader.maxPositionEmbeddings?.(fields) ?? statedContext(fields);
  const maxPositionEmbeddings = scaledContext(fields, stated);
  const originalContext = contextBeforeLongRope(fields);
  const dataType = dataTypeOf(whole, fields);
  const quantization = quantizationFacts(whole) ?? quantizationFacts(fields);
  const isGeneric = !covered;
  const problems = uniqueByPath(whole.problems);
  if (problems.length > 0) {
    return failure(
      ...(family === undefined
        ? problems.map((problem) => ofFamilyNotCovered(problem, modelType))
        : problems),
    );
  }
  const unread = unreadStructure(fields);
  if (unread !== undefined) return failure(notCovered(modelType, unread));

  const parameters = parametersByKind(shape.layers, shape.outerWeights);
  if (!Number.isSafeInteger(parameters.total)) {
    return failure({
      code: 'model.too-large',
      message: `The sizes in the config.json of ${identity.id} multiply to more parameters than any model has.`,
    });
  }
  const facts: ModelFacts = {
    id: identity.id,
    modelType: isGeneric ? (statedType ?? modelType) : modelType,
    architecture: architecture ?? reader.architecture,
    ...shape,
    maxPositionEmbeddings,
    ...(originalContext === undefined ? {} : { originalContext }),
    ...(stretchedByYarn(fields) ? { contextBeforeYarn: stated } : {}),
    dataType,
    ...(quantization === undefined ? {} : { quantization }),
    parameters,
    generic: isGeneric,
    ...(overridden === undefined || identity.overrides === undefined
      ? {}
      : { overrides: identity.overrides }),
    source: identity.source,
  };
  return success(facts, isGeneric ? [genericWarning(facts.modelType)] : []);
}

interface Reader {
  /** Undefined where no family is known. */
  readonly family: ModelFamily | undefined;
  readonly modelType: string | undefined;
  /** Of the text model, with the family's defaults. */
  readonly fields: ConfigFields;
  /** False where only a text model inside is known. */
  readonly covered: boolean;
}

/**
 * The family by `model_type`, else by `architectures`, as the engine goes. Of a model that is not known but has a text model inside,
 * that one's family.
 */
function readerOf(
  whole: ConfigFields,
  modelType: string | undefined,
  architecture: string | undefined,
): Reader {
  const tower = towerFamilyOf(modelType) ?? towerFamilyOf(architecture);
  const withTowers = tower === undefined ? undefined : towerReader(whole, tower);
  if (withTowers !== undefined) {
    return { ...withTowers, modelType: withTowers.family.modelType, covered: true };
  }
  const known =
    (modelType === undefined ? undefined : familyOf(modelType)) ??
    (architecture === undefined ? undefined : familyOfArchitecture(architecture));
  const nested = known?.textSection === undefined ? textSection(whole) : whole.section(known.textSection);
  if (known !== undefined) {
    const isNested = nested !== undefined && !whole.mentions('num_hidden_layers');
    const fields = isNested ? withOuterTie(nested, whole) : whole;
    return {
      family: known,
      modelType: modelType ?? known.modelType,
      fields: fields.withDefaults(known.defaults ?? {}),
      covered: true,
    };
  }
  if (nested === undefined) return { family: undefined, modelType, fields: whole, covered: false };
  const innerType = nested.value('model_type');
  const inner = typeof innerType === 'string' ? familyOf(innerType) : undefined;
  const fields = withOuterTie(nested, whole).withDefaults(inner?.defaults ?? {});
  return {
    family: inner,
    modelType: inner?.modelType ?? modelType,
    fields,
    covered: modelType === undefined && inner !== undefined,
  };
}

function notCovered(modelType: string, { what, field }: NotCovered): Problem {
  return {
    code: 'model.not-covered',
    message: `Models of type "${modelType}" with ${what} are not covered yet, so nothing is estimated ("${field}").`,
    path: [field],
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

/**
 * `dtype`, or `torch_dtype` as older files name it, of the whole or of its text model. Absent means float32, as the libraries read it.
 * An 8-bit type is that of stored weights: the engine computes in bfloat16.
 */
function dataTypeOf(whole: ConfigFields, text: ConfigFields): DataType {
  const places = [whole, text].flatMap((fields) =>
    ['dtype', 'torch_dtype'].map((name) => ({ fields, name })),
  );
  const place = places.find(({ fields, name }) => fields.value(name) !== undefined);
  if (place === undefined) return 'float32';
  const written = place.fields.text(place.name)?.replace(/^torch\./, '');
  if (written === 'bfloat16' || written === 'float16' || written === 'float32') return written;
  if (written === 'half') return 'float16';
  if (written === 'auto' || written === 'float') return 'float32';
  if (written !== undefined && /^(float8|fp8)/.test(written)) return 'bfloat16';
  place.fields.reject(place.name, 'bfloat16, float16 or float32');
  return 'float32';
}

function uniqueByPath(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = problem.path?.join('/') ?? problem.message;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
