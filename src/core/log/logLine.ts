/** A line as it stands in a file -> what the engine's process wrote, without what containers and terminals put around it. */

export interface LogLine {
  /** The engine's words: without colours, container prefixes and the process in front. */
  readonly text: string;
  /** Container, pod or unit that the line came from; empty where nothing names one. */
  readonly stream: string;
  /** `EngineCore_DP0`, `Worker_TP1`, `VllmWorkerProcess 4711`; empty where the line names no process. */
  readonly process: string;
}

// Terminal colours, also as syslog writes their escape character.
const colours = new RegExp(`(?:${String.fromCharCode(27)}|#033)\\[[0-9;?]*[A-Za-z]`, 'g');
const composePrefix = /^([A-Za-z0-9][\w.-]{0,127}) +\| ?/;
const podPrefix = /^\[(pod\/[^\]\s]{1,300})\] /;
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)\s+/;
const containerRuntime = /^(?:stdout|stderr) [FP] /;
const journalPrefix =
  /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (\S+) ([\w.@-]+)(?:\[\d+\])?: /;
const processPrefix = /^\(([A-Za-z][\w.-]*)(?: rank=(\d+))?(?:,? pid=(\d+))?(?:, ip=[\d.:a-f]+)?\) ?/;

/** Reads one line; a record of a container's JSON log is opened first. */
export function readLogLine(raw: string): LogLine {
  let text = raw.charCodeAt(0) === 0x7b ? innerText(raw) : raw;
  if (text.includes('[')) text = text.replace(colours, '');
  let stream = '';
  let process = '';
  // Each prefix stands in front of the next one; a line has a handful at most.
  for (let depth = 0; depth < 8; depth++) {
    const before = text;
    const journal = journalPrefix.exec(text);
    const named = journal === null ? (podPrefix.exec(text) ?? composePrefix.exec(text)) : null;
    if (journal !== null) {
      stream = journal[2] ?? stream;
      text = text.slice(journal[0].length);
    } else if (named !== null) {
      stream = named[1] ?? stream;
      text = text.slice(named[0].length);
    }
    text = text.replace(timestamp, '').replace(containerRuntime, '');
    const own = processPrefix.exec(text);
    if (own !== null) {
      process = processName(own);
      text = text.slice(own[0].length);
    }
    if (text === before) break;
  }
  return { text, stream, process };
}

/** Workers that only their number tells apart keep it. */
function processName([, name = '', rank, pid]: RegExpExecArray): string {
  if (rank !== undefined) return `${name} rank ${rank}`;
  return pid !== undefined && /^(?:VllmWorkerProcess|VllmWorker|RayWorkerWrapper|RayWorker)$/.test(name)
    ? `${name} ${pid}`
    : name;
}

const textKeys = ['log', 'message', 'msg', 'textPayload', 'MESSAGE'];

/** The text in a JSON record of a container's log; the line itself where it is none. */
function innerText(raw: string): string {
  let record: unknown;
  try {
    record = JSON.parse(raw);
  } catch {
    return raw;
  }
  if (typeof record !== 'object' || record === null) return raw;
  for (const [key, value] of Object.entries(record)) {
    if (typeof value === 'string' && textKeys.includes(key)) return value.replace(/[\r\n]+$/, '');
  }
  return raw;
}

/** Longest line that is read; what is beyond it is left out, so that memory stays bounded. */
export const MOST_LINE_CHARACTERS = 256 * 1024;

/**
 * Chunks of a file -> its lines. A progress bar that was drawn over itself with `\r` gives a part a drawing, all with the number
 * of the line that they stand on.
 */
export class LineSplitter {
  #rest = '';
  #line = 1;
  readonly #take: (part: string, line: number, complete: boolean) => void;

  constructor(take: (part: string, line: number, complete: boolean) => void) {
    this.#take = take;
  }

  push(chunk: string): void {
    let start = 0;
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', start)) {
      this.#keep(chunk.slice(start, at));
      this.#emit(true);
      this.#line++;
      start = at + 1;
    }
    this.#keep(chunk.slice(start));
  }

  /** What stands after the last line end may have been cut anywhere. */
  end(): void {
    if (this.#rest !== '') this.#emit(false);
  }

  #keep(text: string): void {
    const room = MOST_LINE_CHARACTERS - this.#rest.length;
    if (room > 0) this.#rest += text.length > room ? text.slice(0, room) : text;
  }

  #emit(complete: boolean): void {
    const line = this.#rest;
    this.#rest = '';
    if (!line.includes('\r')) {
      this.#take(line, this.#line, complete);
      return;
    }
    const parts = line.split('\r').filter((part) => part !== '');
    for (const [index, part] of parts.entries()) {
      this.#take(part, this.#line, complete || index < parts.length - 1);
    }
  }
}
