import path from 'node:path';
import * as vscode from 'vscode';
import type { Config } from '../config';
import { asRecord } from '../core/json';
import { formatSize } from '../core/numberText';
import { tellBadAddress } from '../hubAccess';
import type { HubAccess } from '../hubAccess';
import type { LensModel } from '../lensModel';
import { freeMemory, memoryNeeded, memoryOf, modelBytesIn } from '../memoryGate';
import { folderFacts } from '../model/catalog';
import type { ModelKey } from '../core/scores';
import type { LastingMemory } from '../lastingMemory';
import { isBecause, ModelError } from '../model/errors';
import type { Because } from '../model/errors';
import { embeddedHash, keptSelfCheck } from '../model/keptSelfChecks';
import type { ModelDescription, SelfCheck } from '../model/protocol';
import { curatedModels } from '../models/curated';
import type { CuratedModel } from '../models/curated';
import { download, freeBytesOf } from '../models/download';
import { repositoryIn } from '../models/hub';
import type { Hub, HubRepository } from '../models/hub';
import { HubError } from '../models/hubError';
import {
  bytesOf,
  diskBytesOf,
  folderOf,
  hasSameFiles,
  installedBytes,
  modelsOnDisk,
  planAgain,
  removeModel,
  weightBytesOf,
} from '../models/installed';
import type { HalfFinished, InstalledModel, ModelId, Plan, Provenance } from '../models/installed';
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
  unknownInWords,
} from './modelWords';
import type { Refused } from './modelWords';
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
  | { readonly kind: 'forget'; readonly folder: string }
  | { readonly kind: 'ask-folder' }
  | { readonly kind: 'repository'; readonly repository: string };

interface Button extends vscode.QuickInputButton {
  readonly choice: Choice;
}

interface Item extends vscode.QuickPickItem {
  /** Undefined: a line between. */
  readonly choice?: Choice;
  readonly buttons?: readonly Button[];
}

const embeddedName = 'SmolLM2-135M-Instruct';
const embedded = { dtype: 'q8', licence: 'Apache-2.0', languages: ['en'], contextTokens: 8192 };
/** Of what a folder says of itself, in a sentence of ours. UTF-16. */
const mostNameUnits = 60;
/** Folders of the user's own, each with the hash of its content when it was last loaded, '' before. */
const ownKey = 'tokenLens.ownFolders';
const mostOwnFolders = 10;
/** Models that were refused, by content hash or folder, each with the reason and the version of Token Lens: another one may know their kind. */
const refusedKey = 'tokenLens.refusedModels';

/** The list of models, and everything that choosing one sets going: consent, download, self-check. The choice is the setting `modelFolder`. */
export class ModelPicker {
  readonly #parts: ModelPickerParts;
  readonly #files: ModelPickerFiles;
  readonly #memento: LastingMemory;
  readonly #version: string;
  #trying = 0;

  constructor(parts: ModelPickerParts, files: ModelPickerFiles, memento: LastingMemory, version: string) {
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
        if (folder === undefined) return;
        await this.#remember(folder, this.#ownFolders.get(folder));
        return this.#use(folder, path.basename(folder));
      }
      case 'forget':
        await this.#memento.update(ownKey, Object.fromEntries([...this.#ownFolders].filter(([folder]) => folder !== choice.folder)));
        return this.select();
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
        const repository = repositoryIn(typed, this.#parts.config.hubAddress);
        const looksLikeOne = repository === undefined && (/^https?:|\//.test(typed) || !isInList(typed, items));
        pick.items = [
          ...(repository === undefined ? [] : [this.#repositoryItem(repository)]),
          ...items,
          ...(typed !== '' && looksLikeOne ? [namelessItem(typed, this.#parts.config.hubAddress)] : []),
        ];
      };
      pick.onDidChangeValue(show);
      const chosen = new Promise<Choice | undefined>(resolve => {
        pick.onDidTriggerItemButton(({ item, button }) => resolve(item.buttons?.find(each => each === button)?.choice));
        pick.onDidAccept(() => {
          const choice = pick.activeItems[0]?.choice;
          if (choice) resolve(choice); // else what is typed can still become a name
        });
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
    const others = [...this.#ownFolders.keys(), ...(inUse === undefined || this.#ownFolders.has(inUse) ? [] : [inUse])];
    const own = others.filter(folder => !installed.some(each => each.folder === folder));
    const host = config.hubAddress === undefined ? undefined : new URL(config.hubAddress).host;
    return [
      { label: vscode.l10n.t('on this machine'), kind: vscode.QuickPickItemKind.Separator },
      await this.#embeddedItem(inUse === undefined),
      ...(await Promise.all(installed.map(model => this.#installedItem(model, model.folder === inUse)))),
      ...(await Promise.all(own.map(folder => this.#ownItem(folder, folder === inUse)))).flat(),
      ...halves.map(half => this.#halfItem(half)),
      { label: `$(folder-opened) ${vscode.l10n.t('Choose a folder...')}`, choice: { kind: 'ask-folder' } },
      ...(host === undefined
        ? []
        : [
            { label: vscode.l10n.t('to be downloaded from {0}', host), kind: vscode.QuickPickItemKind.Separator },
            ...(await Promise.all(curatedModels.map(model => this.#curatedItem(model, installed, host)))),
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
      buttons: [
        button('versions', vscode.l10n.t('Another number format...'), { kind: 'repository', repository }),
        ...(isInUse
          ? []
          : [button('trash', vscode.l10n.t('Remove from this machine'), { kind: 'remove', model: provenance, name, bytes: freed })]),
      ],
    };
  }

  /** Formats of it that are on this machine have rows of their own: this one leads to the others. */
  async #curatedItem(model: CuratedModel, installed: readonly InstalledModel[], host: string): Promise<Item> {
    const own = installed.filter(({ provenance }) => provenance.repository === model.repository);
    const checks = await Promise.all(
      own.map(async ({ provenance: { dtype, contentHash } }) =>
        vscode.l10n.t('{0} is on this machine, {1}', dtype, selfCheckInWords(await this.#checkOf(contentHash))),
      ),
    );
    return {
      label: `$(cloud-download) ${model.name}`,
      description: curatedInWords(model),
      detail: [...(own.length === 0 ? [selfCheckInWords(undefined)] : checks), unknownInWords(model, host), model.repository].join(' · '),
      choice: { kind: 'repository', repository: model.repository },
    };
  }

  /** A folder that somebody chose, by what its files say and by what was found when it was loaded; none where it is gone. */
  async #ownItem(folder: string, isInUse: boolean): Promise<readonly Item[]> {
    const { model, config } = this.#parts;
    const facts = await folderFacts(folder);
    if (!facts && !isInUse) return [];
    const { snapshotBytes } = config;
    const neededBytes = await memoryNeeded({ folder, dtype: undefined, snapshotBytes });
    const bytes = await modelBytesIn(folder, undefined);
    const kept = this.#ownFolders.get(folder) ?? '';
    const check = (isInUse ? model.loaded?.selfCheck : undefined) ?? this.#refusalOf(folder) ?? (await this.#checkOf(kept));
    const name = facts?.name ?? path.basename(folder);
    const memory = neededBytes === 0 ? [] : [memoryInWords(neededBytes, freeMemory())];
    return [
      {
        label: label(plainInList(name), isInUse),
        description: facts ? modelInWords(facts, bytes) : vscode.l10n.t('no model is there'),
        detail: [selfCheckInWords(check), ...memory, plainInList(folder)].join(' · '),
        choice: { kind: 'folder', folder, name },
        buttons: isInUse ? [] : [button('close', vscode.l10n.t('Take from this list'), { kind: 'forget', folder })],
      },
    ];
  }

  #halfItem(half: HalfFinished): Item {
    const { plan, fetchedBytes, isRunning } = half;
    const name = nameOf(plan.repository);
    const description = vscode.l10n.t('{0} of {1}', formatSize(fetchedBytes), modelInWords(plan, bytesOf(plan.files)));
    if (isRunning)
      return {
        label: `$(sync) ${vscode.l10n.t('{0} is being downloaded', name)}`,
        description,
        detail: vscode.l10n.t('in this window or in another one; its notification can cancel it'),
        choice: { kind: 'half', half },
      };
    return {
      label: `$(debug-continue) ${vscode.l10n.t('Go on downloading {0}', name)}`,
      description,
      choice: { kind: 'half', half },
      buttons: [button('trash', vscode.l10n.t('Remove from this machine'), { kind: 'remove', model: plan, name, bytes: fetchedBytes })],
    };
  }

  #repositoryItem(repository: string): Item {
    return { label: `$(cloud-download) ${repository}`, alwaysShow: true, choice: { kind: 'repository', repository } };
  }

  async #checkOf(contentHash: string): Promise<SelfCheck | Refused | undefined> {
    return this.#refusalOf(contentHash) ?? keptSelfCheck(this.#files.cacheFolder, contentHash);
  }

  /** Of a model by its content hash or its folder; undefined: it was not refused. */
  #refusalOf(name: string): Refused | undefined {
    const { version, because } = asRecord(this.#refused[name]);
    return version === this.#version ? { because: isBecause(because) ? because : undefined } : undefined;
  }

  get #ownFolders(): ReadonlyMap<string, string> {
    const known = Object.entries(asRecord(this.#memento.get(ownKey)));
    return new Map(known.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  async #remember(folder: string, contentHash = ''): Promise<void> {
    const others = [...this.#ownFolders].filter(([other]) => other !== folder);
    await this.#memento.update(ownKey, Object.fromEntries([...others.slice(1 - mostOwnFolders), [folder, contentHash]]));
  }

  get #refused(): Readonly<Record<string, unknown>> {
    return asRecord(this.#memento.get(refusedKey));
  }

  async #remove({ model, name, bytes }: Extract<Choice, { readonly kind: 'remove' }>): Promise<void> {
    const remove = { label: `$(trash) ${vscode.l10n.t('Remove it: {0} of the disk become free', formatSize(bytes))}` };
    const keep = { label: `$(close) ${vscode.l10n.t('Keep it')}` };
    const answer = await vscode.window.showQuickPick([remove, keep], { title: vscode.l10n.t('Remove {0} from this machine?', name) });
    if (answer === remove && !(await this.#isRemoved(model))) return;
    await this.select();
  }

  /** False: it could not be, which has been told. */
  async #isRemoved(model: ModelId): Promise<boolean> {
    try {
      await removeModel(this.#files.models, model, this.#files.cacheFolder);
      return true;
    } catch (error) {
      this.#parts.log.warn(`A model could not be removed: ${error instanceof Error ? error.message : 'unknown failure'}`);
      const name = nameOf(model.repository);
      const isBeingFetched = error instanceof HubError && error.code === 'in-progress';
      void showErrorMessage(
        isBeingFetched
          ? vscode.l10n.t('Token Lens: {0} is being downloaded, in this window or in another one. Cancel that before you remove it.', name)
          : vscode.l10n.t(
              'Token Lens: {0} could not be removed, or not all of it: its folder cannot be written to, or another program has one of its files open. Try again when no window uses it.',
              name,
            ),
      );
      return false;
    }
  }

  async #fromHub(repository: string): Promise<void> {
    const hub = await this.#parts.access.hub();
    if (!hub) return tellBadAddress();
    const again = () => this.#fromHub(repository);
    const found = await this.#attempt(hub, repository, vscode.l10n.t('Asking {0} about {1}', hub.host, repository), again, signal =>
      hub.repository(repository, signal),
    );
    if (!found) return;
    const { installed, halves } = await modelsOnDisk(this.#files.models);
    const plan = await this.#askFormat(found, installed);
    if (!plan) return;
    const folder = folderOf(this.#files.models, plan);
    if (installed.some(model => model.folder === folder)) return this.#use(folder, nameOf(repository));
    const half = halves.find(each => each.folder === folder);
    if (half?.isRunning) {
      this.#tellRunning(hub, repository);
      return;
    }
    const fetched = half && hasSameFiles(half.plan, plan) ? half.fetchedBytes : 0;
    if (await this.#consents(hub, plan, fetched)) await this.#download(hub, plan);
  }

  /** The very files that it had, in place of what is damaged. */
  async #downloadAgain(provenance: Provenance): Promise<void> {
    const hub = await this.#parts.access.hub();
    if (!hub) return tellBadAddress();
    const plan = planAgain(provenance);
    if (!(await this.#consents(hub, plan, 0)) || !(await this.#isRemoved(provenance))) return;
    await this.#download(hub, plan);
  }

  #tellRunning(hub: Hub, repository: string): void {
    void showInformationMessage(`Token Lens: ${hubErrorInWords({ code: 'in-progress' }, hub, repository, this.#files.models)}`);
  }

  async #resume({ plan, fetchedBytes, isRunning }: HalfFinished): Promise<void> {
    const hub = await this.#parts.access.hub();
    if (!hub) return tellBadAddress();
    if (isRunning) {
      this.#tellRunning(hub, plan.repository);
      return;
    }
    if (await this.#consents(hub, plan, fetchedBytes)) await this.#download(hub, plan);
  }

  async #askFormat(found: HubRepository, installed: readonly InstalledModel[]): Promise<Plan | undefined> {
    const { formats, ...source } = found;
    const { snapshotBytes } = this.#parts.config;
    const onDisk = async (dtype: string) => {
      const folder = folderOf(this.#files.models, { ...source, dtype });
      const known = installed.find(each => each.folder === folder);
      return known ? [vscode.l10n.t('on this machine, {0}', selfCheckInWords(await this.#checkOf(known.provenance.contentHash)))] : [];
    };
    const sorted = formats.toSorted((a, b) => Number(a.dtype === 'q8') - Number(b.dtype === 'q8') || bytesOf(a.files) - bytesOf(b.files));
    const items = await Promise.all(
      sorted.map(async ({ dtype, files }) => {
        const needed = memoryInWords(memoryOf(weightBytesOf(files), dtype, snapshotBytes), freeMemory());
        return {
          label: dtype,
          description: modelInWords(source, bytesOf(files)),
          detail: [...(await onDisk(dtype)), formatInWords(dtype), needed].join(' · '),
          plan: { ...source, dtype, files },
        };
      }),
    );
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
    const disk = diskBytesOf(plan.files);
    const free = await freeBytesOf(path.dirname(this.#files.models));
    const licence = plan.licence === undefined ? vscode.l10n.t('it names no licence') : vscode.l10n.t('licence: {0}', plan.licence);
    const facts = [
      ...(fetchedBytes > 0 ? [vscode.l10n.t('{0} are here already', formatSize(fetchedBytes))] : []),
      ...(disk > bytesOf(plan.files)
        ? [vscode.l10n.t('takes {0} on the disk when it has been loaded, with a copy', formatSize(disk))]
        : []),
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
    const words = isHubs ? hubErrorInWords(error, hub, repository, this.#files.models) : failureInWords(ModelError.from(error), 'command');
    const forget: vscode.MessageItem = { title: vscode.l10n.t('Forget the Token') };
    const page: vscode.MessageItem = { title: vscode.l10n.t('Open Its Page') };
    const needsToken = isHubs && error.code === 'needs-token';
    const actions = needsToken ? [token, ...(hub.sendsToken ? [forget] : []), page] : isHubs && error.code !== 'unusable' ? [retry] : [];
    const chosen = await showErrorMessage(`Token Lens: ${words}`, ...actions);
    if (chosen === retry) await again();
    if (chosen === forget) await access.forgetToken();
    if (chosen === page) await vscode.env.openExternal(vscode.Uri.parse(`${hub.address}/${repository}`));
    if (chosen === token && (await access.askToken())) await this.#fromHub(repository);
  }

  /** Sets the model and loads it, so that what is wrong with it is told now; one that was not loaded does not stay in use. Its name quotes its files. */
  async #use(folder: string | undefined, fullName: string): Promise<void> {
    const { config, model, log } = this.#parts;
    const name = excerpt(fullName, mostNameUnits);
    const before = config.modelFolder;
    if (before === folder && model.loaded) return;
    const isMove = before !== folder;
    const goBack = async () => {
      if (isMove && config.modelFolder === folder) await setModelFolder(before);
    };
    let tried = await this.#tried(folder, name, goBack);
    if (tried === 'memory') {
      const isAllowed = await model.isAllowed();
      if (config.modelFolder !== folder) return; // another one was chosen meanwhile
      if (isAllowed) tried = await this.#tried(folder, name, goBack, true);
      else if (isMove) {
        await goBack();
        const words = vscode.l10n.t('Token Lens: {0} was not loaded, as memory is short. The model before is the one in use.', name);
        void showInformationMessage(words);
      }
    }
    if (typeof tried === 'string') return;
    if (!(tried instanceof ModelError)) return this.#tellInUse(folder, name, tried, isMove ? goBack : undefined);
    log.warn(`The model could not be used (${tried.code}): ${excerpt(tried.message, 300)}`); // which quotes names of its files
    const isRefused = tried.code === 'unsupported' || tried.code === 'cannot-align';
    if (isRefused) await this.#keepRefusal(folder, tried.because);
    const damaged = tried.code === 'incomplete' ? await this.#downloaded(folder) : undefined;
    const anew: vscode.MessageItem = { title: vscode.l10n.t('Download Again') };
    const why = failureInWords(tried, 'command');
    const chosen = await showErrorMessage(
      isMove
        ? vscode.l10n.t('Token Lens: {0} cannot be used. {1} The model before is the one in use.', name, why)
        : vscode.l10n.t('Token Lens: {0} cannot be used. {1}', name, why),
      ...(damaged ? [anew] : []),
    );
    if (chosen === anew && damaged) await this.#downloadAgain(damaged);
  }

  /** While the model is tried that was chosen here, what is wrong with it is told here and nowhere else. */
  isTelling({ code }: ModelError): boolean {
    return this.#trying > 0 && code !== 'bad-argument';
  }

  /** 'memory': whether to load it all the same is being asked. */
  async #tried(
    folder: string | undefined,
    name: string,
    goBack: () => Promise<void>,
    isSet = false,
  ): Promise<ModelDescription | ModelError | 'cancelled' | 'memory'> {
    const { config, model } = this.#parts;
    this.#trying++;
    try {
      if (config.modelFolder !== folder) await setModelFolder(folder);
      else if (!isSet) model.restart(); // what failed with the files as they were is tried again
      model.askAgain();
      const ready = await withProgress(vscode.l10n.t('Token Lens: loading and checking {0}', name), signal => {
        const stopped = new Promise<undefined>(resolve => {
          signal.addEventListener('abort', () => resolve(undefined), { once: true });
        });
        return Promise.race([model.ready(signal), stopped]); // the runtime itself cannot be stopped in the middle of opening a model
      });
      if (ready) return ready.description;
      await goBack();
      return 'cancelled';
    } catch (error) {
      if (error instanceof Refusal) return 'memory';
      await goBack();
      return ModelError.from(error);
    } finally {
      this.#trying--;
    }
  }

  async #tellInUse(
    folder: string | undefined,
    name: string,
    { key, selfCheck }: ModelDescription,
    goBack: (() => Promise<void>) | undefined,
  ): Promise<void> {
    await this.#forgetRefusal(key);
    const isOwn = folder !== undefined && (await this.#downloaded(folder)) === undefined;
    if (isOwn) await this.#remember(folder, key.contentHash);
    const words = vscode.l10n.t('Token Lens: {0} is in use: {1}.', name, selfCheckInWords(selfCheck));
    if (selfCheck.plausible) {
      void showInformationMessage(words);
      return;
    }
    const back: vscode.MessageItem = { title: vscode.l10n.t('Go Back to the Model Before') };
    const chosen = await showWarningMessage(words, ...(goBack ? [back] : []));
    if (chosen === back) await goBack?.();
  }

  /** Under the hash of its content where that is known, else under its folder. */
  async #keepRefusal(folder: string | undefined, because: Because | undefined): Promise<void> {
    const name = (await this.#downloaded(folder))?.contentHash ?? folder;
    if (name !== undefined) await this.#memento.update(refusedKey, { ...this.#refused, [name]: { version: this.#version, because } });
  }

  async #forgetRefusal({ folder, contentHash }: ModelKey): Promise<void> {
    const others = Object.entries(this.#refused).filter(([name]) => name !== folder && name !== contentHash);
    if (others.length < Object.keys(this.#refused).length) await this.#memento.update(refusedKey, Object.fromEntries(others));
  }

  /** Undefined: it did not come from a hub. */
  async #downloaded(folder: string | undefined): Promise<Provenance | undefined> {
    const { installed } = await modelsOnDisk(this.#files.models);
    return installed.find(each => each.folder === folder)?.provenance;
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

function isInList(typed: string, items: readonly Item[]): boolean {
  const text = typed.toLowerCase();
  return items.some(item => [item.label, item.description, item.detail].some(part => part?.toLowerCase().includes(text)));
}

/** Says what a name has to look like where what is typed is none. */
function namelessItem(typed: string, address: string | undefined): Item {
  return {
    label: `$(info) ${vscode.l10n.t('Nothing in this list, and no name of a repository')}`,
    detail: vscode.l10n.t(
      'A name has the form owner/name, as onnx-community/Qwen2.5-0.5B; the address of its page does as well: {0}/owner/name',
      address ?? 'https://huggingface.co',
    ),
    description: plainInList(typed),
    alwaysShow: true,
  };
}

function button(icon: string, tooltip: string, choice: Choice): Button {
  return { iconPath: new vscode.ThemeIcon(icon), tooltip, choice };
}
