import { type InputBox, l10n, type QuickInputButton, ThemeIcon, window } from 'vscode';
import type { Prompter } from '../../remote/host.ts';
import type { Secrets } from '../secrets.ts';

/**
 * What one connection asks a person, in the editor's own input boxes. A remembered secret is given once: asked again, it
 * was wrong, and it is forgotten. `quietly`: gives what is remembered and asks nobody, which counts as cancelled.
 */
export class EditorPrompter implements Prompter {
  readonly #secrets: Secrets;
  readonly #quietly: boolean;
  readonly #given = new Set<string>();

  constructor(secrets: Secrets, { quietly = false } = {}) {
    this.#secrets = secrets;
    this.#quietly = quietly;
  }

  async acceptUnknownHostKey(question: Parameters<Prompter['acceptUnknownHostKey']>[0]): Promise<boolean> {
    if (this.#quietly) return false;
    const { host, port, keyType, fingerprint } = question;
    const connect = l10n.t('Trust This Key and Connect');
    const chosen = await window.showWarningMessage(
      l10n.t('{0} is not known yet. Is this its key?', port === 22 ? host : `${host}:${port}`),
      {
        modal: true,
        detail: l10n.t(
          '{0}, fingerprint\n{1}\n\nCompare it with what the administrator of the host says. Nothing has been sent so far.',
          keyType,
          fingerprint,
        ),
      },
      connect,
    );
    return chosen === connect;
  }

  passphrase({ host, keyFile }: Parameters<Prompter['passphrase']>[0]): Promise<string | undefined> {
    return this.#secret(
      `passphrase:${keyFile}`,
      l10n.t('Passphrase of {0}', keyFile),
      l10n.t('Connect to {0}', host),
    );
  }

  password({ host, user }: Parameters<Prompter['password']>[0]): Promise<string | undefined> {
    return this.#secret(
      `password:${user}@${host}`,
      l10n.t('Password of {0} on {1}', user, host),
      l10n.t('Connect to {0}', host),
    );
  }

  /** One box a prompt, as the server asks them. Never remembered: they may be one-time codes. */
  async keyboardInteractive(
    question: Parameters<Prompter['keyboardInteractive']>[0],
  ): Promise<readonly string[] | undefined> {
    if (this.#quietly) return undefined;
    const answers: string[] = [];
    for (const { prompt, echo } of question.prompts) {
      const answer = await window.showInputBox({
        title: l10n.t('Connect to {0}', question.host),
        prompt: [question.instructions, prompt].filter((text) => text !== '').join(' '),
        password: !echo,
        ignoreFocusOut: true,
      });
      if (answer === undefined) return undefined;
      answers.push(answer);
    }
    return answers;
  }

  notice({ host, text }: { readonly host: string; readonly text: string }): void {
    if (!this.#quietly) void window.showInformationMessage(`${host}: ${text}`);
  }

  async #secret(name: string, prompt: string, title: string): Promise<string | undefined> {
    const kept = await this.#secrets.get(name);
    if (kept !== undefined) {
      if (!this.#given.has(name)) {
        this.#given.add(name);
        return kept;
      }
      await this.#secrets.forget(name);
    }
    if (this.#quietly) return undefined;
    const answer = await askSecret(prompt, title);
    if (answer?.remember) {
      await this.#secrets.remember(name, answer.value);
      this.#given.add(name);
    }
    return answer?.value;
  }
}

/** A password box with a button beside it that says whether to remember. It does not, unless it is pressed. */
function askSecret(
  prompt: string,
  title: string,
): Promise<{ readonly value: string; readonly remember: boolean } | undefined> {
  const box: InputBox = window.createInputBox();
  box.title = title;
  box.prompt = prompt;
  box.password = true;
  box.ignoreFocusOut = true;
  let remember = false;
  const showButton = (): void => {
    const button: QuickInputButton = remember
      ? {
          iconPath: new ThemeIcon('pass-filled'),
          tooltip: l10n.t('It will be kept in the secret storage; press not to'),
        }
      : {
          iconPath: new ThemeIcon('circle-large-outline'),
          tooltip: l10n.t('Remember in the secret storage'),
        };
    box.buttons = [button];
  };
  showButton();
  return new Promise((resolve) => {
    box.onDidTriggerButton(() => {
      remember = !remember;
      showButton();
    });
    box.onDidAccept(() => {
      resolve({ value: box.value, remember });
      box.hide();
    });
    box.onDidHide(() => {
      resolve(undefined);
      box.dispose();
    });
    box.show();
  });
}
