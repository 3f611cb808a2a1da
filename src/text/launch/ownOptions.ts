/** How programs of transformers' users spell what the engine's table does not say. */

/** Options that name a model, with dashes. */
export const modelOptions = /^(?:model|model-(?:id|name|path|name-or-path)|pretrained-model-name-or-path)$/;

/** `True`, `0`, as transformers' HfArgumentParser reads them; undefined for a bare switch and for what is neither. */
export function truthOf([value, ...more]: readonly string[]): boolean | undefined {
  if (value === undefined || more.length > 0) return undefined;
  if (/^(?:yes|true|t|y|1)$/i.test(value)) return true;
  return /^(?:no|false|f|n|0)$/i.test(value) ? false : undefined;
}
