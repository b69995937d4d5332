import * as vscode from 'vscode';
import type { Config } from './config';
import { Hub } from './models/hub';
import { showErrorMessage, showInformationMessage, showWarningMessage } from './notices';

const secretName = 'tokenLens.hubToken';

interface KeptToken {
  /** Of the hub that it was set for. */
  readonly origin: string;
  readonly token: string;
}

/** The hub that the settings name, with the token that was set for that very host. */
export class HubAccess {
  readonly #config: Config;
  readonly #secrets: vscode.SecretStorage;
  /** What the secret storage did not take, in its place: a token; none, where one was not removed. Undefined: the storage holds what is true. */
  #unstored: { readonly kept: KeptToken | undefined } | undefined;

  constructor(config: Config, secrets: vscode.SecretStorage) {
    this.#config = config;
    this.#secrets = secrets;
  }

  /** Undefined: the setting holds no address. */
  async hub(): Promise<Hub | undefined> {
    const address = this.#config.hubAddress;
    if (address === undefined) return undefined;
    const kept = await this.#kept();
    return new Hub(address, kept?.origin === new URL(address).origin ? kept.token : undefined);
  }

  /** Asks for a token and keeps it; false: nobody gave one. */
  async askToken(): Promise<boolean> {
    const address = this.#config.hubAddress;
    if (address === undefined) {
      await tellBadAddress();
      return false;
    }
    const { host, origin } = new URL(address);
    const token = await vscode.window.showInputBox({
      title: vscode.l10n.t('Access token for {0}', host),
      prompt: vscode.l10n.t('It is kept in the secret storage of VS Code, and sent to {0} alone.', host),
      password: true,
      ignoreFocusOut: true,
      validateInput: text =>
        /^[\x21-\x7e]*$/.test(text.trim()) ? undefined : vscode.l10n.t('A token has no spaces and no letters with accents.'),
    });
    const trimmed = token?.trim() ?? '';
    if (trimmed === '') return false;
    const kept = { origin, token: trimmed };
    try {
      await this.#secrets.store(secretName, JSON.stringify(kept));
      this.#unstored = undefined;
    } catch {
      this.#unstored = { kept };
      void showWarningMessage(
        vscode.l10n.t(
          'Token Lens: the secret storage of VS Code did not take the access token, so it is used until this window is closed.',
        ),
      );
    }
    return true;
  }

  async forgetToken(): Promise<void> {
    try {
      await this.#secrets.delete(secretName);
      this.#unstored = undefined;
      void showInformationMessage(vscode.l10n.t('Token Lens: the access token is forgotten.'));
    } catch {
      this.#unstored = { kept: undefined };
      void showErrorMessage(
        vscode.l10n.t(
          'Token Lens: the access token is still in the secret storage of VS Code, which did not remove it. This window does not use it; try again before you open another one.',
        ),
      );
    }
  }

  async #kept(): Promise<KeptToken | undefined> {
    if (this.#unstored) return this.#unstored.kept;
    try {
      const { origin, token } = JSON.parse((await this.#secrets.get(secretName)) ?? '{}') as Readonly<Record<string, unknown>>;
      return typeof origin === 'string' && typeof token === 'string' ? { origin, token } : undefined;
    } catch {
      return undefined; // not of our writing: it is as if there were none
    }
  }
}

export async function tellBadAddress(): Promise<void> {
  const openSettings = vscode.l10n.t('Open Settings');
  const chosen = await showErrorMessage(
    vscode.l10n.t('Token Lens: the setting Hub Host is not an address that can be asked. It has to be HTTPS, as https://huggingface.co.'),
    openSettings,
  );
  if (chosen === openSettings) await vscode.commands.executeCommand('workbench.action.openSettings', 'tokenLens.hubHost');
}
