import { connect } from 'node:net';

/** A key that an SSH agent holds. `key` in wire form. */
export interface AgentKey {
  readonly key: Uint8Array;
  readonly comment: string;
}

const requestIdentities = 11;
const identitiesAnswer = 12;
const largestAnswerBytes = 1024 * 1024;
const answerWithinMs = 10_000;

/**
 * All keys of the agent at a socket, those of kinds that ssh2 cannot use too: so that an error can name them (ssh2's own
 * listing leaves them out without a word). Rejects where the agent cannot be reached or does not answer as one.
 */
export function listAgentKeys(socketPath: string): Promise<readonly AgentKey[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let received = Buffer.alloc(0);
    const finish = (action: () => void) => {
      socket.destroy();
      action();
    };
    const fail = (reason: string) => finish(() => reject(new Error(reason)));
    socket.setTimeout(answerWithinMs, () => fail('it does not answer'));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => reject(new Error('it closed the connection')));
    socket.on('connect', () => socket.write(Buffer.from([0, 0, 0, 1, requestIdentities])));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length > largestAnswerBytes) fail('its answer is no list of keys');
      else if (received.length >= 4 + length) {
        const keys = parseIdentities(received.subarray(4, 4 + length));
        if (keys) finish(() => resolve(keys));
        else fail('its answer is no list of keys');
      }
    });
  });
}

function parseIdentities(answer: Buffer): readonly AgentKey[] | undefined {
  const reader = new WireReader(answer);
  if (reader.byte() !== identitiesAnswer) return undefined;
  const count = reader.uint32();
  const keys: AgentKey[] = [];
  for (let index = 0; index < (count ?? 0); index++) {
    const key = reader.bytes();
    const comment = reader.bytes();
    if (key === undefined || comment === undefined) return undefined;
    keys.push({ key, comment: comment.toString('utf8') });
  }
  return keys;
}

/** SSH's wire form (RFC 4251, section 5). Every read gives undefined past the end. */
export class WireReader {
  #position = 0;

  constructor(readonly data: Buffer) {}

  byte(): number | undefined {
    return this.data[this.#position++];
  }

  uint32(): number | undefined {
    const end = this.#position + 4;
    if (end > this.data.length) return undefined;
    const value = this.data.readUInt32BE(this.#position);
    this.#position = end;
    return value;
  }

  bytes(): Buffer | undefined {
    const length = this.uint32();
    if (length === undefined || this.#position + length > this.data.length) return undefined;
    const value = this.data.subarray(this.#position, this.#position + length);
    this.#position += length;
    return value;
  }
}
