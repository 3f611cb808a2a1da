import { readFile } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { type Prompter, RemoteError, type RemoteLog } from './host.ts';
import { keyTypeOf } from './knownHosts.ts';
import type { Ssh2 } from './loadSsh2.ts';
import { listAgentKeys, WireReader } from './sshAgent.ts';
import type { SshTarget } from './sshConfig.ts';

/** A key to try, whoever holds the private part. The passphrase is asked for when the host has accepted the public part. */
export interface Identity {
  readonly label: string;
  readonly publicKey: ParsedKey;
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

export interface Identities {
  /** In the order of trying: OpenSSH's. */
  readonly usable: readonly Identity[];
  /** Keys that are there and cannot be used, each with the reason, for the message when nothing else is let in. */
  readonly unusable: readonly string[];
  /** Those of them that the ssh program can use: `<key>: a security key (…)`. */
  readonly onlyOpenssh: readonly string[];
}

/** Where the reasons are gathered that a key cannot be used for. */
interface Rejected {
  readonly unusable: string[];
  readonly onlyOpenssh: string[];
}

const passphraseTries = 3;
const pemEncrypted = /^(Proc-Type: 4,ENCRYPTED|-----BEGIN ENCRYPTED PRIVATE KEY-----)/m;

interface FileKey {
  readonly file: string;
  readonly publicKey: Buffer;
  /** null where only the public half is on disk. */
  readonly privateText: Buffer | null;
}

export async function gatherIdentities(
  target: SshTarget,
  ssh2: Ssh2,
  prompter: Prompter,
  log: RemoteLog,
): Promise<Identities> {
  const rejected: Rejected = { unusable: [], onlyOpenssh: [] };
  const files: FileKey[] = [];
  for (const file of target.identityFiles) {
    const key = await readKeyFile(file, target.name, ssh2, prompter, rejected.unusable);
    if (key) files.push(key);
  }
  const inAgent = await agentKeys(target, log);
  const isSame = (a: Uint8Array) => (b: Uint8Array) => Buffer.compare(a, b) === 0;
  const fileOf = (key: Uint8Array) => files.find((file) => isSame(key)(file.publicKey));
  const fromAgent = (key: Uint8Array, label: string) => agentIdentity(key, label, target, ssh2, rejected);
  const named = inAgent.filter(({ key }) => fileOf(key));
  const others = target.identitiesOnly ? [] : inAgent.filter(({ key }) => !fileOf(key));
  const onDisk = files.filter((file) => !inAgent.some(({ key }) => isSame(key)(file.publicKey)));
  const usable = [
    ...named.map(({ key }) => fromAgent(key, `${fileOf(key)?.file} (SSH agent)`)),
    ...others.map(({ key, comment }) => fromAgent(key, `${comment} (SSH agent)`)),
    ...onDisk.map((file) => fileIdentity(file, target.name, ssh2, prompter, rejected)),
  ];
  rejected.onlyOpenssh.push(...(await certificatesOf(target)));
  return { usable: usable.filter((identity) => identity !== undefined), ...rejected };
}

async function agentKeys(target: SshTarget, log: RemoteLog) {
  if (target.agentSocket === null) return [];
  try {
    return await listAgentKeys(target.agentSocket);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(`${target.name}: no keys from the SSH agent at ${target.agentSocket}: ${reason}`);
    return [];
  }
}

function agentIdentity(
  key: Uint8Array,
  label: string,
  target: SshTarget,
  ssh2: Ssh2,
  rejected: Rejected,
): Identity | undefined {
  const publicKey = publicKeyOf(key, ssh2);
  const socket = target.agentSocket;
  if (socket === null) return undefined;
  if (!publicKey) {
    reject(label, keyTypeOf(key), rejected);
    return undefined;
  }
  const agent = new ssh2.OpenSSHAgent(socket);
  return {
    label,
    publicKey,
    sign: (data, hash) =>
      new Promise((resolve, reject) =>
        agent.sign(
          publicKey,
          data,
          hash === undefined ? {} : { hash: hash as 'sha256' },
          (error, signature) => {
            if (signature) resolve(signature);
            else reject(error ?? new Error('the SSH agent refused to sign'));
          },
        ),
      ),
  };
}

function fileIdentity(
  { file, publicKey: blob, privateText }: FileKey,
  host: string,
  ssh2: Ssh2,
  prompter: Prompter,
  rejected: Rejected,
): Identity | undefined {
  const publicKey = publicKeyOf(blob, ssh2);
  if (!publicKey) {
    reject(file, keyTypeOf(blob), rejected);
    return undefined;
  }
  if (privateText === null) {
    rejected.unusable.push(
      `${file}: only the public half is there, and the SSH agent does not hold the private one`,
    );
    return undefined;
  }
  return {
    label: file,
    publicKey,
    sign: async (data, hash) => {
      const key = await unlock(privateText, file, host, ssh2, prompter);
      const signature: unknown = key.sign(data, hash);
      if (Buffer.isBuffer(signature)) return signature;
      throw signature instanceof Error ? signature : new Error(`${file} cannot sign`);
    },
  };
}

/** The key of a file, its passphrase asked for if it has one. RemoteError `cancelled` or `authentication`. */
async function unlock(
  text: Buffer,
  file: string,
  host: string,
  ssh2: Ssh2,
  prompter: Prompter,
): Promise<ParsedKey> {
  const open = firstKey(ssh2.utils.parseKey(text));
  if (open) return open;
  for (let tries = 0; tries < passphraseTries; tries++) {
    const passphrase = await prompter.passphrase({ host, keyFile: file });
    if (passphrase === undefined)
      throw new RemoteError(
        'cancelled',
        host,
        `Connecting to ${host} was cancelled: no passphrase for ${file}.`,
      );
    const key = firstKey(ssh2.utils.parseKey(text, passphrase));
    if (key) return key;
  }
  throw new RemoteError('authentication', host, `The passphrase given for ${file} does not open it.`);
}

/** undefined where there is no such file: the default names are all tried. */
async function readKeyFile(
  file: string,
  host: string,
  ssh2: Ssh2,
  prompter: Prompter,
  unusable: string[],
): Promise<FileKey | undefined> {
  const [privateText, publicText] = [await read(file, unusable), await read(`${file}.pub`, unusable)];
  if (privateText && /^(ssh-|ecdsa-|sk-)/.test(privateText.toString('latin1', 0, 16))) {
    const publicKey = publicBlob(privateText);
    return publicKey && { file, publicKey, privateText: null };
  }
  if (!privateText) {
    const publicKey = publicText && publicBlob(publicText);
    return publicKey && { file, publicKey, privateText: null };
  }
  const known = publicOfOpenSsh(privateText) ?? (publicText && publicBlob(publicText));
  if (known) return { file, publicKey: known, privateText };
  // The old formats hide the public half too: only the passphrase tells what to offer.
  if (pemEncrypted.test(privateText.toString('latin1'))) {
    const key = await unlock(privateText, file, host, ssh2, prompter);
    return { file, publicKey: key.getPublicSSH(), privateText: Buffer.from(key.getPrivatePEM()) };
  }
  const key = firstKey(ssh2.utils.parseKey(privateText));
  if (key) return { file, publicKey: key.getPublicSSH(), privateText };
  unusable.push(`${file}: not a private key that Loadline can read`);
  return undefined;
}

async function read(file: string, unusable: string[]): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') unusable.push(`${file}: cannot be read (${code})`);
    return undefined;
  }
}

/** The public half of an `OPENSSH PRIVATE KEY`, which is in clear also where the private one is encrypted. */
function publicOfOpenSsh(text: Buffer): Buffer | undefined {
  const [, body] =
    /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text.toString('latin1')) ?? [];
  if (body === undefined) return undefined;
  const magic = 'openssh-key-v1\0';
  const data = Buffer.from(body, 'base64');
  if (data.toString('latin1', 0, magic.length) !== magic) return undefined;
  const reader = new WireReader(data.subarray(magic.length));
  for (const _field of ['cipher', 'kdf', 'kdf options']) reader.bytes();
  return reader.uint32() === 1 ? reader.bytes() : undefined;
}

function publicBlob(text: Buffer): Buffer | undefined {
  const encoded = text.toString('utf8').trim().split(/\s+/)[1];
  const blob = encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
  return blob && keyTypeOf(blob) !== '' ? blob : undefined;
}

function publicKeyOf(key: Uint8Array, ssh2: Ssh2): ParsedKey | undefined {
  const type = keyTypeOf(key);
  if (/^sk-|-cert-v\d+@|^ssh-dss$/.test(type)) return undefined;
  return firstKey(ssh2.utils.parseKey(`${type} ${Buffer.from(key).toString('base64')}`));
}

/** parseKey gives an error in place of a key, and for some formats a list. */
function firstKey(parsed: unknown): ParsedKey | undefined {
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error || key === undefined ? undefined : (key as ParsedKey);
}

function reject(label: string, type: string, { unusable, onlyOpenssh }: Rejected): void {
  if (type.startsWith('sk-')) onlyOpenssh.push(`${label}: a security key (${type})`);
  else if (type.includes('-cert-')) onlyOpenssh.push(`${label}: a certificate (${type})`);
  else unusable.push(`${label}: a key of type ${type || 'unknown'}, which Loadline's SSH client cannot use`);
}

/** Certificates that OpenSSH would offer: those that the config names, and those beside the keys. */
async function certificatesOf(target: SshTarget): Promise<readonly string[]> {
  const found: string[] = [];
  for (const file of [...target.certificateFiles, ...target.identityFiles.map((key) => `${key}-cert.pub`)]) {
    const text = await read(file, []);
    const blob = text && publicBlob(text);
    if (blob && keyTypeOf(blob).includes('-cert-')) found.push(`${file}: a certificate (${keyTypeOf(blob)})`);
  }
  return found;
}
