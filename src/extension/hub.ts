import { ConfigurationTarget, type ExtensionContext, l10n, window, workspace } from 'vscode';
import type { HubAccessParams, HubAccessResult } from '../protocol/lsp.ts';
import { Secrets } from './secrets.ts';
import { hubEndpoint, hubLeave, section } from './settings.ts';

/** Under which name the secret storage keeps it; *Forget Remembered Passwords* lists it. */
const tokenName = 'token of the model hub';

/** What the user allows the language server to ask a model hub. Nobody is asked twice in one session. */
export class Hub {
  readonly #secrets: Secrets;
  #question: Promise<boolean> | undefined;

  constructor({ secrets, globalState }: ExtensionContext) {
    this.#secrets = new Secrets(secrets, globalState);
  }

  /** null: no. In an untrusted workspace it always is. */
  async access({ need }: HubAccessParams): Promise<HubAccessResult> {
    if (!workspace.isTrusted) return null;
    const leave = hubLeave();
    if (leave === 'off' || (leave === 'ask' && (need === 'bytes' || !(await this.#asked())))) return null;
    return { endpoint: hubEndpoint(), token: (await this.#secrets.get(tokenName)) ?? null };
  }

  /** Asks for a token and keeps it in the editor's secret storage; an empty one forgets it. True where something changed. */
  async signIn(): Promise<boolean> {
    const token = await window.showInputBox({
      title: l10n.t('Sign in to the Model Hub'),
      prompt: l10n.t('Access token with read permission. Empty: forget the one that is kept.'),
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) =>
        /^[\x21-\x7e]*$/.test(text.trim()) ? undefined : l10n.t('A token has no spaces.'),
    });
    if (token === undefined) return false;
    if (token.trim() === '') await this.#secrets.forget(tokenName);
    else await this.#secrets.remember(tokenName, token.trim());
    return true;
  }

  #asked(): Promise<boolean> {
    this.#question ??= ask();
    return this.#question;
  }
}

/** The answer is kept as the setting, where it can be changed; a question that was put away counts as no until the editor starts again. */
async function ask(): Promise<boolean> {
  const [yes, no] = [l10n.t('Allow'), l10n.t('Never')];
  const chosen = await window.showInformationMessage(
    l10n.t(
      'May Loadline ask the model hub for models that are not on this machine? It reads their config.json and the headers of their weights, never the weights.',
    ),
    yes,
    no,
    l10n.t('Not Now'),
  );
  const settings = workspace.getConfiguration(section);
  if (chosen === yes) await settings.update('hub.enabled', 'on', ConfigurationTarget.Global);
  if (chosen === no) await settings.update('hub.enabled', 'off', ConfigurationTarget.Global);
  return chosen === yes;
}
