type Value = string | number | boolean | undefined;

const MOST_RESULTS = 64;

/**
 * A function of a model and some plain values that remembers its last results, so that what a slider does not change is not made
 * again. `values` must name everything that `make` depends on beside the model.
 */
export function remembered<Model extends object, Result>(): (
  model: Model,
  values: readonly Value[],
  make: () => Result,
) => Result {
  const byModel = new WeakMap<Model, { readonly values: readonly Value[]; readonly result: Result }[]>();
  return (model, values, make) => {
    let results = byModel.get(model);
    if (results === undefined) {
      results = [];
      byModel.set(model, results);
    }
    for (const known of results) if (alike(known.values, values)) return known.result;
    const result = make();
    if (results.length >= MOST_RESULTS) results.pop();
    // Newest first: a sweep asks for the last one again.
    results.unshift({ values, result });
    return result;
  };
}

function alike(left: readonly Value[], right: readonly Value[]): boolean {
  for (let index = 0; index < right.length; index++) if (left[index] !== right[index]) return false;
  return left.length === right.length;
}
