import type { CellResult, RunResults } from '../../core/sweep/run.ts';

/** Which cells a page does not have yet as they are: results are made anew with every record, and most cells are as before. */
export class CellChanges {
  #run = '';
  #outcome = '';
  readonly #sent = new Map<string, string>();

  /** Everything is sent. */
  start(results: RunResults | null): void {
    this.#sent.clear();
    this.#run = results?.run ?? '';
    this.#outcome = results?.outcome ?? '';
    for (const cell of results?.cells ?? []) this.#sent.set(cell.cell, shapeOf(cell));
  }

  /** What is to be sent; undefined: all of it, as the run is another, or has ended. */
  take(results: RunResults): readonly CellResult[] | undefined {
    // With the run's end come what bounds each cell and how it did against its prediction.
    if (results.run !== this.#run || results.outcome !== this.#outcome) return undefined;
    return results.cells.filter((cell) => {
      const shape = shapeOf(cell);
      if (this.#sent.get(cell.cell) === shape) return false;
      this.#sent.set(cell.cell, shape);
      return true;
    });
  }
}

/** Whatever of a cell changes while its run goes on. */
function shapeOf(cell: CellResult): string {
  const { state, trials, startedWallMs, finishedWallMs, failure, passedOver, why, memory, telemetry } = cell;
  return [
    state,
    trials.length,
    startedWallMs,
    finishedWallMs,
    failure?.kind,
    passedOver?.why,
    why?.bound,
    memory?.length,
    telemetry?.samples,
  ].join('|');
}
