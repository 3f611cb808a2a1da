import type { Problem } from '../result.ts';

/** Said of every estimate of a family that is not covered. */
export function genericWarning(modelType: string): Problem {
  return {
    code: 'model.generic',
    message: `The family "${modelType}" is not covered; it is sized by the fields that most decoders share, what it has beside its text model is left out, and every band is wide.`,
    path: ['model_type'],
  };
}
