/** One shipped model: the fields of its config.json that count, never totals. */
export interface KnownModelEntry {
  /** Hub id. The part after the slash is accepted as well. */
  readonly id: string;
  /** Other hub ids or short names of the same dimensions. */
  readonly aliases?: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
}
