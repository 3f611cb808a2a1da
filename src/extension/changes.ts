/** A flag with a plain value, as a file can hold it. From a panel or a command's arguments, so nothing of it is taken on trust. */
export interface FlagChange {
  readonly flag: string;
  readonly to: string | number | boolean;
}

export function isChange(change: unknown): change is FlagChange {
  if (typeof change !== 'object' || change === null || !('flag' in change) || !('to' in change)) return false;
  const { flag, to } = change;
  return (
    typeof flag === 'string' &&
    /^\w[\w.-]*$/.test(flag) &&
    (typeof to === 'string' || typeof to === 'boolean' || (typeof to === 'number' && Number.isFinite(to)))
  );
}
