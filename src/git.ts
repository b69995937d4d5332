import * as vscode from 'vscode';

/** What we use of the built-in Git extension's API, version 1 (microsoft/vscode, extensions/git/src/api/git.d.ts). */
interface GitExtension {
  readonly enabled: boolean;
  /** Throws while `enabled` is false. */
  getAPI(version: 1): GitApi;
}

interface GitApi {
  readonly state: 'uninitialized' | 'initialized';
  readonly onDidChangeState: vscode.Event<unknown>;
  getRepository(uri: vscode.Uri): GitRepository | null;
  /** The address of a version of a file; `ref` '' is the index. */
  toGitUri(uri: vscode.Uri, ref: string): vscode.Uri;
}

export interface GitRepository {
  readonly state: {
    readonly indexChanges: readonly GitChange[];
    readonly workingTreeChanges: readonly GitChange[];
    readonly mergeChanges: readonly GitChange[];
    /** Not in older versions. */
    readonly untrackedChanges?: readonly GitChange[];
    readonly onDidChange: vscode.Event<void>;
  };
  /** Reads the state anew. */
  status(): Promise<void>;
}

interface GitChange {
  readonly uri: vscode.Uri;
  readonly originalUri: vscode.Uri;
  readonly renameUri: vscode.Uri | undefined;
  readonly status: number;
}

/** Of `Status` in the same file: a file that has no version before this change. */
const noVersionBefore: ReadonlySet<number> = new Set([1 /* INDEX_ADDED */, 7 /* UNTRACKED */, 9 /* INTENT_TO_ADD */]);

const indexDeleted = 2;
/** Of a conflict: files that are not in HEAD. */
const conflictNotInHead: ReadonlySet<number> = new Set([13 /* ADDED_BY_THEM */, 14 /* DELETED_BY_US */, 17 /* BOTH_DELETED */]);

/** One side against the other. */
export interface GitComparison {
  readonly kind: 'staged' | 'working' | 'both';
  /** Undefined: there is no such version, all of the file is new. */
  readonly original: vscode.Uri | undefined;
  readonly modified: vscode.Uri;
}

export type GitChanges =
  /** In the order to be offered; none where the file is as it was committed. */
  | { readonly kind: 'found'; readonly comparisons: readonly GitComparison[]; readonly repository: GitRepository }
  | { readonly kind: 'no-git' }
  | { readonly kind: 'outside' };

/** The Git extension may still be looking for repositories. */
const longestWaitMs = 5_000;

/** What of a file is staged and what is not, as the Git extension has it. Edits that are not saved are in the file's own side. */
export async function gitChangesOf(document: vscode.TextDocument): Promise<GitChanges> {
  const api = await gitApi();
  if (!api) return { kind: 'no-git' };
  // Older versions have the file's path, and another scheme.
  const file = document.uri.scheme === 'git' ? vscode.Uri.file(document.uri.path) : document.uri;
  const repository = await repositoryOf(api, file);
  if (!repository) return { kind: 'outside' };
  await repository.status().catch(() => undefined); // as while another program holds the repository: then what was known before counts
  const { state } = repository;
  const isOf = ({ uri, renameUri }: GitChange) => [uri, renameUri].some(each => each?.fsPath === file.fsPath);
  const conflict = state.mergeChanges.find(isOf);
  if (conflict) {
    // The index has three versions of it, none of which is its own.
    const original = conflictNotInHead.has(conflict.status) ? undefined : api.toGitUri(conflict.originalUri, 'HEAD');
    return { kind: 'found', comparisons: [{ kind: 'working', original, modified: file }], repository };
  }
  const staged = state.indexChanges.find(isOf);
  const working = [...state.workingTreeChanges, ...(state.untrackedChanges ?? [])].find(isOf);
  const versionBefore = (change: GitChange | undefined, ref: string) =>
    change && noVersionBefore.has(change.status) ? undefined : api.toGitUri(change?.originalUri ?? file, ref);
  const isOpen = vscode.workspace.textDocuments.some(({ uri, isDirty }) => isDirty && uri.toString() === file.toString());
  const isWorking = working !== undefined || isOpen;
  const isInIndex = staged?.status !== indexDeleted;
  const head = versionBefore(staged ?? working, 'HEAD');
  const index = isInIndex ? versionBefore(staged ? undefined : working, '') : undefined;
  const comparisons: GitComparison[] = [];
  if (staged && isInIndex) comparisons.push({ kind: 'staged', original: head, modified: api.toGitUri(file, '') });
  if (isWorking) comparisons.push({ kind: 'working', original: index, modified: file });
  if (staged && isWorking) comparisons.push({ kind: 'both', original: head, modified: file });
  return { kind: 'found', comparisons, repository };
}

async function gitApi(): Promise<GitApi | undefined> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) return undefined;
  const exported = await extension.activate();
  if (!exported.enabled) return undefined;
  const api = exported.getAPI(1);
  if (api.state !== 'initialized') await happened(api.onDidChangeState, () => api.state === 'initialized');
  return api;
}

/** A repository that an opened file has led to is found a moment later. */
async function repositoryOf(api: GitApi, file: vscode.Uri): Promise<GitRepository | undefined> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const found = api.getRepository(file);
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  return undefined;
}

async function happened(event: vscode.Event<unknown>, holds: () => boolean): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(done, longestWaitMs);
    const listening = event(() => {
      if (holds()) done();
    });
    function done(): void {
      clearTimeout(timer);
      listening.dispose();
      resolve();
    }
  });
}

/** The version that an address of the Git extension is of: 'HEAD', '' for the index, a commit. Undefined: it is of none. */
export function gitRefOf({ scheme, query }: vscode.Uri): string | undefined {
  if (scheme !== 'git') return undefined;
  try {
    const parsed: unknown = JSON.parse(query);
    return typeof parsed === 'object' && parsed !== null && 'ref' in parsed && typeof parsed.ref === 'string' ? parsed.ref : undefined;
  } catch {
    return undefined; // another version of that extension writes it in another way
  }
}
