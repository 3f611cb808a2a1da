import { closest } from '../../core/closest.ts';
import { knownModelNames } from '../../core/model/known.ts';
import type { Problem } from '../../core/result.ts';
import { carriesTokens, type HubAccess } from './hubAccess.ts';

/** Of one answer: the longest header, and the index of the largest models. */
const MOST_ANSWER_BYTES = 80 * 1024 * 1024;
/** Of all answers about one model. */
const MOST_BYTES = 512 * 1024 * 1024;
const REQUESTS_AT_ONCE = 8;

/** A hub that did not give what it was asked for. Its message holds neither the token nor the answer's text. */
export class HubFailure extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = 'HubFailure';
  }
}

/**
 * `fetch` about one model, for the hub's client: with the token for the endpoint alone, a limit of time, bytes and requests at once,
 * and answers that refuse as HubFailure. `failure` is the first of these, as the client may wrap what it catches.
 */
export class HubFetch {
  failure: HubFailure | undefined;
  readonly #access: HubAccess;
  readonly #model: string;
  #bytes = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(access: HubAccess, model: string) {
    this.#access = access;
    this.#model = model;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    await this.#enter();
    try {
      const url = new URL(input instanceof Request ? input.url : input);
      const response = await this.#ask(url, init);
      const problem = refusal(response, url, this.#model, this.#access);
      if (problem === undefined) return this.#limited(response);
      await response.body?.cancel();
      throw new HubFailure(problem);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  };

  async #enter(): Promise<void> {
    while (this.#running >= REQUESTS_AT_ONCE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  #ask(url: URL, init: RequestInit | undefined): Promise<Response> {
    const { endpoint, token, requestMs, signal } = this.#access;
    const headers = new Headers(init?.headers);
    headers.delete('Authorization');
    // Pieces of Xet would have to be put together again; the file itself can be asked for a range.
    if (headers.get('Accept')?.includes('xet')) headers.delete('Accept');
    if (token !== undefined && url.origin === new URL(endpoint).origin && carriesTokens(url)) {
      headers.set('Authorization', `Bearer ${token}`);
    }
    const limit = AbortSignal.timeout(requestMs);
    return fetch(url, {
      ...init,
      headers,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
  }

  /** The answer, which fails as soon as it is longer than any that is wanted; failures on the way are remembered too. */
  #limited(response: Response): Response {
    if (response.body === null) return response;
    const reader = response.body.getReader();
    let length = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          length += value.length;
          this.#bytes += value.length;
          if (length > MOST_ANSWER_BYTES || this.#bytes > MOST_BYTES) {
            await reader.cancel();
            throw new HubFailure(this.#problem('hub.too-large', 'sent more than any model needs'));
          }
          controller.enqueue(value);
        } catch (error) {
          controller.error(this.#failed(error));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  }

  /** The error of a request or of its answer as HubFailure. */
  #failed(error: unknown): HubFailure {
    const failed = error instanceof HubFailure ? error : new HubFailure(this.problemOf(error));
    this.failure ??= failed;
    return failed;
  }

  /** What went wrong on the way, without the error's own text: that may hold addresses with secrets. */
  problemOf(error: unknown): Problem {
    const name = error instanceof Error ? error.name : '';
    if (this.#access.signal?.aborted === true) return this.#problem('hub.cancelled', 'was not waited for');
    if (name === 'TimeoutError') {
      return this.#problem(
        'hub.timed-out',
        `did not answer within ${Math.round(this.#access.requestMs / 1000)} s; try again, or name a folder with its config.json`,
      );
    }
    const code = networkCode(error);
    // fetch says of every trouble with the network that it is a TypeError.
    if (code === undefined && name !== 'TypeError') {
      return this.#problem('hub.failed', 'gave an answer that is not understood: it may be no model hub');
    }
    return this.#problem(
      'hub.unreachable',
      `cannot be reached${code === undefined ? '' : ` (${code})`}: see to the network, or name a folder with its config.json`,
    );
  }

  #problem(code: string, what: string): Problem {
    return {
      code,
      message: `${new URL(this.#access.endpoint).host}, asked about "${this.#model}", ${what}.`,
    };
  }
}

/** Why an answer refuses; undefined for one to go on with, which a missing file is too. */
function refusal(
  response: Response,
  url: URL,
  model: string,
  { endpoint, token }: HubAccess,
): Problem | undefined {
  if (response.ok) return undefined;
  const { status, headers } = response;
  const host = new URL(endpoint).host;
  const reason = headers.get('X-Error-Code');
  if (reason === 'GatedRepo' || status === 403) {
    return {
      code: 'hub.gated',
      message: `"${model}" is gated at ${host}: ask for access at ${endpoint}/${model}, ${token === undefined ? 'then sign in with a token of that account' : 'with the account that the token is of'}.`,
    };
  }
  if (status === 401 && token !== undefined) {
    return {
      code: 'hub.token-refused',
      message: `${host} does not accept the token that it was sent: make a new one at ${endpoint}/settings/tokens.`,
    };
  }
  if (reason === 'RevisionNotFound') {
    return {
      code: 'hub.no-revision',
      message: `"${model}" has no such revision at ${host}: see its branches.`,
    };
  }
  const asksForModel = url.href.startsWith(`${endpoint}/api/`);
  if (status === 401 || reason === 'RepoNotFound' || (status === 404 && asksForModel)) {
    const near = closest(model, knownModelNames());
    const hint = near === undefined || near === model ? '' : ` Did you mean ${near}?`;
    const private_ = token === undefined ? ', or it is private and needs a token' : '';
    return { code: 'hub.not-found', message: `There is no model "${model}" at ${host}${private_}.${hint}` };
  }
  if (status === 429) {
    const seconds = headers.get('Retry-After');
    const wait = seconds !== null && /^\d{1,6}$/.test(seconds) ? `in ${seconds} s` : 'later';
    return {
      code: 'hub.rate-limited',
      message: `${host} takes no more requests for now: try again ${wait}.`,
    };
  }
  if (status === 404) return undefined;
  return {
    code: 'hub.failed',
    message: `${host} answered "${model}" with status ${status}: try again later.`,
  };
}

function networkCode(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : undefined;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' && /^[A-Z0-9_]{2,40}$/.test(cause.code) ? cause.code : undefined;
}
