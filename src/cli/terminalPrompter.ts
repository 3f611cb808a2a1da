import type { Prompter } from '../remote/host.ts';
import type { Terminal } from './terminal.ts';

/** Questions of a connection, asked on the terminal. Where there is none, nothing is accepted and nothing is answered. */
export function terminalPrompter(terminal: Terminal): Prompter {
  const { ask } = terminal;
  const secret = async (question: string) => ask?.(question, { secret: true });
  return {
    async acceptUnknownHostKey({ host, port, keyType, fingerprint }) {
      terminal.err(
        `No known_hosts file has a key of ${host} (port ${port}). It shows ${keyType} ${fingerprint}.`,
      );
      if (ask === undefined) return false;
      const answer = await ask('Compare it with one that you trust. Is it the same? Write yes: ', {
        secret: false,
      });
      return answer?.trim().toLowerCase() === 'yes';
    },
    passphrase: ({ host, keyFile }) => secret(`Passphrase of ${keyFile} (for ${host}): `),
    password: ({ host, user }) => secret(`Password of ${user} on ${host}: `),
    notice: ({ host, text }) => terminal.err(`${host}: ${text}`),
    async keyboardInteractive({ host, name, instructions, prompts }) {
      if (ask === undefined) return undefined;
      for (const line of [name, instructions].filter((text) => text !== '')) terminal.err(`${host}: ${line}`);
      const answers: string[] = [];
      for (const { prompt, echo } of prompts) {
        const answer = await ask(prompt, { secret: !echo });
        if (answer === undefined) return undefined;
        answers.push(answer);
      }
      return answers;
    },
  };
}
