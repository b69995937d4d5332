import path from 'node:path';
import * as vscode from 'vscode';
import type { Config } from '../config';
import { formatSize } from '../core/numberText';
import { tellBadAddress } from '../hubAccess';
import type { HubAccess } from '../hubAccess';
import type { LensModel } from '../lensModel';
import { freeMemory, memoryNeeded, memoryOf } from '../memoryGate';
import { ModelError } from '../model/errors';
import { embeddedHash, keptSelfCheck } from '../model/keptSelfChecks';
import type { SelfCheck } from '../model/protocol';
import { curatedModels } from '../models/curated';
import { download, freeBytesOf } from '../models/download';
import { isRepositoryName } from '../models/hub';
import type { Hub, HubRepository } from '../models/hub';
import { HubError } from '../models/hubError';
import { bytesOf, folderOf, installedBytes, modelsOnDisk, removeModel, weightBytesOf } from '../models/installed';
import type { HalfFinished, InstalledModel, ModelId, Plan } from '../models/installed';
import { showErrorMessage, showInformationMessage, showWarningMessage } from '../notices';
import { Refusal } from '../refusal';
import { askModelFolder } from './failures';
import {
  curatedInWords,
  formatInWords,
  hubErrorInWords,
  memoryInWords,
  modelInWords,
  plainInList,
  progressInWords,
  selfCheckInWords,
} from './modelWords';
import { excerpt } from './places';
import { withProgress } from './progress';
import type { ReportProgress } from './progress';
import { failureInWords } from './stateInWords';

export interface ModelPickerParts {
  readonly config: Config;
  readonly model: LensModel;
  readonly access: HubAccess;
  readonly log: vscode.LogOutputChannel;
}

export interface ModelPickerFiles {
  readonly bundledModel: string;
  /** Downloaded models are below it. */
  readonly models: string;
  /** Where results of self-checks are kept. */
  readonly cacheFolder: string;
}

type Choice =
  /** Undefined: the embedded model. */
  | { readonly kind: 'folder'; readonly folder: string | undefined; readonly name: string }
  | { readonly kind: 'half'; readonly half: HalfFinished }
  | { readonly kind: 'remove'; readonly model: ModelId; readonly name: string; readonly bytes: number }
  | { readonly kind: 'ask-folder' }
  | { readonly kind: 'repository'; readonly repository: string };

interface Item extends vscode.QuickPickItem {
  /** Undefined: a line between. */
  readonly choice?: Choice;
  /** What its button removes from the disk. */
  readonly removes?: Choice;
}

const embeddedName = 'SmolLM2-135M-Instruct';
const embedded = { dtype: 'q8', licence: 'Apache-2.0', languages: ['en'], contextTokens: 8192 };
/** Of what a folder says of itself, in a sentence of ours. UTF-16. */
const mostNameUnits = 60;
const mostReasonUnits = 300;
/** Models that were refused, by content hash, each with the version of Token Lens that did so: another one may know their kind. */
const refusedKey = 'tokenLens.refusedModels';

/** The list of models, and everything that choosing one sets going: consent, download, self-check. The choice is the setting `modelFolder`. */
export class ModelPicker {
  readonly #parts: ModelPickerParts;
  readonly #files: ModelPickerFiles;
  readonly #memento: vscode.Memento;
  readonly #version: string;

  constructor(parts: ModelPickerParts, files: ModelPickerFiles, memento: vscode.Memento, version: string) {
    this.#parts = parts;
    this.#files = files;
    this.#memento = memento;
    this.#version = version;
  }

  async select(): Promise<void> {
    const choice = await this.#ask();
    switch (choice?.kind) {
      case undefined:
        return;
      case 'folder':
        return this.#use(choice.folder, choice.name);
      case 'half':
        return this.#resume(choice.half);
      case 'remove':
        return this.#remove(choice);
      case 'ask-folder': {
        const folder = await askModelFolder();
        return folder === undefined ? undefined : this.#use(folder, path.basename(folder));
      }
      case 'repository':
        return this.#fromHub(choice.repository);
    }
  }

  async #ask(): Promise<Choice | undefined> {
    const pick = vscode.window.createQuickPick<Item>();
    try {
      pick.title = vscode.l10n.t('Model');
      pick.placeholder = vscode.l10n.t('Choose a model, or type the name of a repository of the hub: owner/name');
      pick.matchOnDescription = true;
      pick.matchOnDetail = true;
      let items: readonly Item[] = [];
      const show = () => {
        const typed = pick.value.trim();
        pick.items = isRepositoryName(typed) ? [this.#repositoryItem(typed), ...items] : items;
      };
      pick.onDidChangeValue(show);
      const chosen = new Promise<Choice | undefined>(resolve => {
        pick.onDidTriggerItemButton(({ item }) => resolve(item.removes));
        pick.onDidAccept(() => resolve(pick.activeItems[0]?.choice));
        pick.onDidHide(() => resolve(undefined));
      });
      pick.busy = true;
      pick.show();
      items = await this.#items();
      show();
      pick.busy = false;
      return await chosen;
    } finally {
      pick.dispose();
    }
  }

  async #items(): Promise<readonly Item[]> {
    const { config } = this.#parts;
    const { installed, halves } = await modelsOnDisk(this.#files.models);
    const inUse = config.modelFolder;
    const isOther = inUse !== undefined && !installed.some(({ folder }) => folder === inUse);
    const host = config.hubAddress === undefined ? undefined : new URL(config.hubAddress).host;
    const onDisk = new Set(installed.map(({ provenance }) => provenance.repository));
    return [
      { label: vscode.l10n.t('on this machine'), kind: vscode.QuickPickItemKind.Separator },
      await this.#embeddedItem(inUse === undefined),
      ...(await Promise.all(installed.map(model => this.#installedItem(model, model.folder === inUse)))),
      ...(isOther ? [await this.#ownItem(inUse)] : []),
      ...halves.map(half => this.#halfItem(half)),
      { label: `$(folder-opened) ${vscode.l10n.t('Choose a folder...')}`, choice: { kind: 'ask-folder' } },
      ...(host === undefined
        ? []
        : [
            { label: vscode.l10n.t('to be downloaded from {0}', host), kind: vscode.QuickPickItemKind.Separator },
            ...curatedModels
              .filter(({ repository }) => !onDisk.has(repository))
              .map((model): Item => ({
                label: `$(cloud-download) ${model.name}`,
                description: curatedInWords(model),
                detail: vscode.l10n.t(
                  '{0}: size, licence, context and languages are asked of {1} when it is chosen',
                  model.repository,
                  host,
                ),
                choice: { kind: 'repository', repository: model.repository },
              })),
          ]),
    ];
  }

  async #embeddedItem(isInUse: boolean): Promise<Item> {
    const folder = this.#files.bundledModel;
    const { snapshotBytes } = this.#parts.config;
    const neededBytes = await memoryNeeded({ folder, dtype: undefined, snapshotBytes });
    const check = await keptSelfCheck(undefined, embeddedHash);
    return {
      label: label(embeddedName, isInUse),
      description: modelInWords(embedded, neededBytes - memoryOf(0, embedded.dtype, snapshotBytes)),
      detail: [selfCheckInWords(check), memoryInWords(neededBytes, freeMemory()), vscode.l10n.t('comes with Token Lens')].join(' · '),
      choice: { kind: 'folder', folder: undefined, name: embeddedName },
    };
  }

  async #installedItem(model: InstalledModel, isInUse: boolean): Promise<Item> {
    const { folder, provenance } = model;
    const { repository, files, host, commit } = provenance;
    const bytes = bytesOf(files);
    const neededBytes = memoryOf(weightBytesOf(files), provenance.dtype, this.#parts.config.snapshotBytes);
    const source = vscode.l10n.t('{0} from {1}, revision {2}', repository, host, commit.slice(0, 7));
    const name = nameOf(repository);
    const freed = await installedBytes(model, this.#files.cacheFolder);
    return {
      label: label(name, isInUse),
      description: modelInWords(provenance, bytes),
      detail: [selfCheckInWords(await this.#checkOf(provenance.contentHash)), memoryInWords(neededBytes, freeMemory()), source].join(' · '),
      choice: { kind: 'folder', folder, name },
      ...(isInUse ? {} : { buttons: [removeButton()], removes: { kind: 'remove', model: provenance, name, bytes: freed } }),
    };
  }

  /** A folder that somebody chose: what it holds is known once it is loaded. */
  async #ownItem(folder: string): Promise<Item> {
    const { model, config } = this.#parts;
    const loaded = model.loaded;
    const neededBytes = await memoryNeeded({ folder, dtype: undefined, snapshotBytes: config.snapshotBytes });
    const name = loaded?.name ?? path.basename(folder);
    return {
      label: label(plainInList(name), true),
      description: plainInList(folder),
      detail: [selfCheckInWords(loaded?.selfCheck), ...(neededBytes === 0 ? [] : [memoryInWords(neededBytes, freeMemory())])].join(' · '),
      choice: { kind: 'folder', folder, name },
    };
  }

  #halfItem(half: HalfFinished): Item {
    const { plan, fetchedBytes } = half;
    const name = nameOf(plan.repository);
    return {
      label: `$(debug-continue) ${vscode.l10n.t('Go on downloading {0}', name)}`,
      description: vscode.l10n.t('{0} of {1}', formatSize(fetchedBytes), modelInWords(plan, bytesOf(plan.files))),
      choice: { kind: 'half', half },
      buttons: [removeButton()],
      removes: { kind: 'remove', model: plan, name, bytes: fetchedBytes },
    };
  }

  #repositoryItem(repository: string): Item {
    return { label: `$(cloud-download) ${repository}`, alwaysShow: true, choice: { kind: 'repository', repository } };
  }

  async #checkOf(contentHash: string): Promise<SelfCheck | 'refused' | undefined> {
    return this.#refused[contentHash] === this.#version ? 'refused' : keptSelfCheck(this.#files.cacheFolder, contentHash);
  }

  get #refused(): Readonly<Record<string, string>> {
    return this.#memento.get<Readonly<Record<string, string>>>(refusedKey, {});
  }

  async #remove({ model, name, bytes }: Extract<Choice, { readonly kind: 'remove' }>): Promise<void> {
    const remove = { label: `$(trash) ${vscode.l10n.t('Remove it: {0} of the disk become free', formatSize(bytes))}` };
    const keep = { label: `$(close) ${vscode.l10n.t('Keep it')}` };
    const answer = await vscode.window.showQuickPick([remove, keep], { title: vscode.l10n.t('Remove {0} from this machine?', name) });
    if (answer === remove) await removeModel(this.#files.models, model, this.#files.cacheFolder);
    await this.select();
  }

  async #fromHub(repository: string): Promise<void> {
    const hub = await this.#parts.access.hub();
    if (!hub) return tellBadAddress();
    const again = () => this.#fromHub(repository);
    const found = await this.#attempt(hub, repository, vscode.l10n.t('Asking {0} about {1}', hub.host, repository), again, signal =>
      hub.repository(repository, signal),
    );
    const plan = found && (await this.#askFormat(found));
    if (!plan) return;
    const folder = folderOf(this.#files.models, plan);
    const { installed, halves } = await modelsOnDisk(this.#files.models);
    if (installed.some(model => model.folder === folder)) return this.#use(folder, nameOf(repository));
    const fetched = halves.find(half => half.folder === folder)?.fetchedBytes ?? 0;
    if (await this.#consents(hub, plan, fetched)) await this.#download(hub, plan);
  }

  async #resume({ plan, fetchedBytes }: HalfFinished): Promise<void> {
    const hub = await this.#parts.access.hub();
    if (!hub) return tellBadAddress();
    if (await this.#consents(hub, plan, fetchedBytes)) await this.#download(hub, plan);
  }

  async #askFormat(found: HubRepository): Promise<Plan | undefined> {
    const { formats, ...source } = found;
    const { snapshotBytes } = this.#parts.config;
    const items = formats
      .toSorted((a, b) => Number(a.dtype === 'q8') - Number(b.dtype === 'q8') || bytesOf(a.files) - bytesOf(b.files))
      .map(({ dtype, files }) => ({
        label: dtype,
        description: modelInWords(source, bytesOf(files)),
        detail: `${formatInWords(dtype)} · ${memoryInWords(memoryOf(weightBytesOf(files), dtype, snapshotBytes), freeMemory())}`,
        plan: { ...source, dtype, files },
      }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: found.repository,
      placeHolder: vscode.l10n.t('Number format of the weights'),
      ignoreFocusOut: true,
    });
    return chosen?.plan;
  }

  /**
   * Nothing of the weights is fetched before this says so. It is a list as the steps before it are; the host, the size and the licence stand
   * where the choice is made.
   */
  async #consents(hub: Hub, plan: Plan, fetchedBytes: number): Promise<boolean> {
    const size = formatSize(bytesOf(plan.files));
    const free = await freeBytesOf(path.dirname(this.#files.models));
    const licence = plan.licence === undefined ? vscode.l10n.t('it names no licence') : vscode.l10n.t('licence: {0}', plan.licence);
    const facts = [
      ...(fetchedBytes > 0 ? [vscode.l10n.t('{0} are here already', formatSize(fetchedBytes))] : []),
      ...(Number.isFinite(free) ? [vscode.l10n.t('{0} are free on the disk', formatSize(free))] : []),
      memoryInWords(memoryOf(weightBytesOf(plan.files), plan.dtype, this.#parts.config.snapshotBytes), freeMemory()),
    ];
    const accept: vscode.QuickPickItem = {
      label: `$(cloud-download) ${vscode.l10n.t('Download {0} from {1}', size, hub.host)}`,
      description: plainInList(vscode.l10n.t('{0}, revision {1}', licence, plan.commit.slice(0, 7))),
      detail: facts.join(' · '),
    };
    const page: vscode.QuickPickItem = {
      label: `$(link-external) ${vscode.l10n.t('Open its page first')}`,
      description: vscode.l10n.t('with its terms, in a browser'),
    };
    const refuse: vscode.QuickPickItem = { label: `$(close) ${vscode.l10n.t('Do not download')}` };
    const answer = await vscode.window.showQuickPick([accept, page, refuse], {
      title: vscode.l10n.t('Download {0} ({1})?', plan.repository, plan.dtype),
      placeHolder: vscode.l10n.t('The host learns your network address and which model you fetch, and nothing of your texts'),
      ignoreFocusOut: true,
    });
    if (answer !== page) return answer === accept;
    await vscode.env.openExternal(vscode.Uri.parse(`${hub.address}/${plan.repository}/tree/${plan.commit}`));
    return this.#consents(hub, plan, fetchedBytes);
  }

  async #download(hub: Hub, plan: Plan): Promise<void> {
    const { log } = this.#parts;
    const name = nameOf(plan.repository);
    const again = () => this.#download(hub, plan);
    const started = performance.now();
    const provenance = await this.#attempt(hub, plan.repository, vscode.l10n.t('Downloading {0}', name), again, (signal, report) => {
      let shown = 0;
      return download(
        hub,
        plan,
        this.#files.models,
        {
          onProgress: progress => {
            const percent = (100 * progress.fetchedBytes) / Math.max(1, progress.totalBytes);
            report({ message: progressInWords(progress), increment: Math.max(0, percent - shown) });
            shown = Math.max(shown, percent);
          },
        },
        signal,
      );
    });
    if (!provenance) return;
    const seconds = Math.round((performance.now() - started) / 1000);
    log.info(
      `Downloaded ${plan.repository} (${plan.dtype}, ${plan.commit.slice(0, 12)}) from ${hub.host}: ${bytesOf(plan.files)} bytes in ${seconds} s.`,
    );
    await this.#use(folderOf(this.#files.models, plan), name);
  }

  /** Work with a hub that can be seen and cancelled. What goes wrong is told; undefined then, and where it is cancelled. */
  async #attempt<T>(
    hub: Hub,
    repository: string,
    title: string,
    again: () => Promise<void>,
    work: (signal: AbortSignal, report: ReportProgress) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await withProgress(`Token Lens: ${title}`, work);
    } catch (error) {
      void this.#tell(error, hub, repository, again);
      return undefined;
    }
  }

  async #tell(error: unknown, hub: Hub, repository: string, again: () => Promise<void>): Promise<void> {
    const { log, access } = this.#parts;
    log.warn(`The hub: ${error instanceof Error ? error.message : 'unknown failure'}`);
    const token: vscode.MessageItem = { title: vscode.l10n.t('Set Access Token...') };
    const retry: vscode.MessageItem = { title: vscode.l10n.t('Try Again') };
    const isHubs = error instanceof HubError;
    const words = isHubs ? hubErrorInWords(error.code, hub.host, repository) : failureInWords(ModelError.from(error).code, 'command');
    const actions = isHubs && error.code === 'needs-token' ? [token] : isHubs && error.code !== 'unusable' ? [retry] : [];
    const chosen = await showErrorMessage(`Token Lens: ${words}`, ...actions);
    if (chosen === retry) await again();
    if (chosen === token && (await access.askToken())) await this.#fromHub(repository);
  }

  /** Sets the model and loads it, so that what is wrong with it is told now, with a way back. Its name and what is said of it quote its files. */
  async #use(folder: string | undefined, fullName: string): Promise<void> {
    const { config, model, log } = this.#parts;
    const name = excerpt(fullName, mostNameUnits);
    const before = config.modelFolder;
    if (before === folder && model.loaded) return;
    await setModelFolder(folder);
    const back: vscode.MessageItem = { title: vscode.l10n.t('Go Back to the Model Before') };
    const ways = before === folder ? [] : [back];
    let chosen: vscode.MessageItem | undefined;
    try {
      const ready = await withProgress(vscode.l10n.t('Token Lens: loading and checking {0}', name), signal => model.ready(signal));
      if (!ready) return;
      const { selfCheck } = ready.description;
      const words = vscode.l10n.t('Token Lens: {0} is in use: {1}.', name, selfCheckInWords(selfCheck));
      if (selfCheck.plausible) void showInformationMessage(words);
      else chosen = await showWarningMessage(words, ...ways);
    } catch (error) {
      if (error instanceof Refusal) return; // whether to load it although memory is short has been asked
      const { code, message: fullMessage } = ModelError.from(error);
      const message = excerpt(fullMessage, mostReasonUnits);
      log.warn(`The model could not be used (${code}): ${message}`);
      if (code === 'unsupported' || code === 'cannot-align') await this.#keepRefusal(folder);
      chosen = await showErrorMessage(
        vscode.l10n.t('Token Lens: {0} cannot be used. {1}', name, code === 'unsupported' ? message : failureInWords(code, 'command')),
        ...ways,
      );
    }
    if (chosen === back) await setModelFolder(before);
  }

  async #keepRefusal(folder: string | undefined): Promise<void> {
    const { installed } = await modelsOnDisk(this.#files.models);
    const model = installed.find(each => each.folder === folder);
    if (model) await this.#memento.update(refusedKey, { ...this.#refused, [model.provenance.contentHash]: this.#version });
  }
}

async function setModelFolder(folder: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('tokenLens').update('modelFolder', folder, vscode.ConfigurationTarget.Global);
}

/** "owner/name" without its owner. */
function nameOf(repository: string): string {
  return repository.split('/')[1] ?? repository;
}

function label(name: string, isInUse: boolean): string {
  return isInUse ? `$(check) ${name}` : name;
}

function removeButton(): vscode.QuickInputButton {
  return { iconPath: new vscode.ThemeIcon('trash'), tooltip: vscode.l10n.t('Remove from this machine') };
}
