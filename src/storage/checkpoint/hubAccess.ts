import { join } from 'node:path';
import { failure, type Result, success } from '../../core/result.ts';
import { type ByteReader, localReader } from './byteReader.ts';
import { type Environment, huggingFaceHome, userCacheFolder } from './hubCache.ts';

export const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** How long one request to the hub may take. */
const REQUEST_MS = 20_000;

/** Leave to ask a model hub, and how. */
export interface HubAccess {
  /** Address without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint alone, and only over TLS or to this machine. */
  readonly token?: string;
  /** What was asked is kept here, so that it need not be asked again. */
  readonly cacheFolder: string;
  readonly requestMs: number;
  readonly signal?: AbortSignal;
}

/** `org/name`, and which of its GGUF files. */
export interface HubModelName {
  readonly id: string;
  readonly quantization?: string | undefined;
  /** The value of `--hf-overrides`, put into what the hub says before it is read. */
  readonly overrides?: string;
}

/** What is written of it: the rest comes from the environment. */
export interface HubWishes {
  readonly endpoint?: string;
  readonly token?: string;
  readonly requestMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Access by what was wished, then `HF_ENDPOINT`; the cache stands in the user's cache folder. Problem: `hub.bad-endpoint`.
 */
export function hubAccess(wishes: HubWishes, environment: Environment): Result<HubAccess> {
  const written = wishes.endpoint?.trim() || environment['HF_ENDPOINT']?.trim() || DEFAULT_ENDPOINT;
  const endpoint = checkedEndpoint(written);
  if (endpoint === undefined) {
    return failure({
      code: 'hub.bad-endpoint',
      message: 'The address of the model hub must begin with https:// or http://, without a password in it.',
    });
  }
  const token = usableToken(wishes.token);
  return success({
    endpoint,
    cacheFolder: join(userCacheFolder(environment), 'loadline', 'hub'),
    requestMs: wishes.requestMs ?? REQUEST_MS,
    ...(token === undefined ? {} : { token }),
    ...(wishes.signal === undefined ? {} : { signal: wishes.signal }),
  });
}

/** The token of `HF_TOKEN`, its older name, or the file that `hf auth login` writes; undefined without one. */
export async function tokenOf(
  environment: Environment,
  reader: ByteReader = localReader,
): Promise<string | undefined> {
  const given = usableToken(environment['HF_TOKEN']) ?? usableToken(environment['HUGGING_FACE_HUB_TOKEN']);
  if (given !== undefined) return given;
  const path = environment['HF_TOKEN_PATH']?.trim() || join(huggingFaceHome(environment), 'token');
  try {
    if ((await reader.entry(path)).kind !== 'file') return undefined;
    return usableToken(Buffer.from(await reader.read(path, 0, 1024)).toString('utf8'));
  } catch {
    // Without a token the hub says what it wants one for.
    return undefined;
  }
}

/** True where a token may go to this address: over TLS, or to this machine. */
export function carriesTokens({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function checkedEndpoint(written: string): string | undefined {
  let url: URL;
  try {
    url = new URL(written);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/+$/, '');
}

/** Trimmed; undefined for what no header can carry. */
function usableToken(written: string | undefined): string | undefined {
  const token = written?.trim() ?? '';
  return /^[\x21-\x7e]{1,512}$/.test(token) ? token : undefined;
}
