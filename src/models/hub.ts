import { asRecord } from '../core/json';
import { graphName, positionsIn, preferredDtypes } from '../model/catalog';
import { HubError } from './hubError';

/** How long to wait for a hub, in milliseconds. */
export interface Patience {
  /** Without a single byte. */
  readonly quietMs: number;
  /** Before trying again; each time twice as long. */
  readonly firstPauseMs: number;
  /** The longest pause, also where the hub asks for a longer one. */
  readonly longestPauseMs: number;
  /** Tries in a row that gain nothing. */
  readonly tries: number;
}

export const usualPatience: Patience = { quietMs: 30_000, firstPauseMs: 1_000, longestPauseMs: 60_000, tries: 5 };

export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** Files in large file storage are known by their SHA-256, others by git's name for their content. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

/** One number format of the model in a repository, with every file that is needed for it. */
export interface HubFormat {
  /** transformers.js's name of it. */
  readonly dtype: string;
  readonly files: readonly HubFile[];
}

/** What a hub says of a repository, at one commit. All of it is what its owner claims. */
export interface HubRepository {
  readonly host: string;
  readonly repository: string;
  /** 40 hex digits. */
  readonly commit: string;
  readonly licence: string | undefined;
  readonly languages: readonly string[];
  readonly contextTokens: number | undefined;
  readonly formats: readonly HubFormat[];
}

/** An answer whose body has not been read; `drop` it where it is not to be. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Errors: 'offline' where the connection is cut, 'timed-out'; the signal's reason. */
  chunks(): AsyncGenerator<Uint8Array>;
  drop(): Promise<void>;
}

const mostRedirects = 5;
/** Of lists and of config.json. */
const mostJsonBytes = 8e6;
/** What a folder needs beside the graph; the first three are demanded. */
const neededFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
const alsoFetched = ['generation_config.json', 'chat_template.jinja'];

/** "owner/name", as hubs have it: nothing that could lead out of a folder. */
export function isRepositoryName(text: string): boolean {
  const part = /^[A-Za-z0-9](?:[\w.-]{0,94}[\w-])?$/;
  const parts = text.split('/');
  return parts.length === 2 && parts.every(each => part.test(each) && !each.includes('..'));
}

/** What somebody typed or pasted: "owner/name", or the address of its page at the hub. Undefined: neither. */
export function repositoryIn(text: string, address: string | undefined): string | undefined {
  const trimmed = text.trim();
  if (isRepositoryName(trimmed)) return trimmed;
  if (address === undefined || !trimmed.startsWith(`${address}/`)) return undefined;
  const [owner = '', name = ''] = trimmed.slice(address.length + 1).split(/[/?#]/);
  return isRepositoryName(`${owner}/${name}`) ? `${owner}/${name}` : undefined;
}

/** The address that the setting names, without a slash at its end; undefined where it is none that can be trusted. A bare host name means HTTPS. */
export function hubAddress(text: string): string | undefined {
  const trimmed = text.trim();
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
    const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) return undefined;
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  } catch {
    return undefined;
  }
}

/** A hub of models, over its HTTP interface. Redirects are followed by hand, so that the token goes to the hub's own origin and nowhere else. */
export class Hub {
  readonly address: string;
  readonly patience: Patience;
  readonly #token: string | undefined;

  /** `address`: as from `hubAddress`. */
  constructor(address: string, token: string | undefined, patience = usualPatience) {
    this.address = address;
    this.#token = token;
    this.patience = patience;
  }

  /** Whether a token goes with what it is asked. */
  get sendsToken(): boolean {
    return this.#token !== undefined;
  }

  /** For people. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** What is in a repository now, pinned to its commit. Errors: `HubError`; the signal's reason. */
  async repository(name: string, signal: AbortSignal): Promise<HubRepository> {
    if (!isRepositoryName(name)) throw new HubError('not-found', 'This is not the name of a repository (owner/name).');
    const about = asRecord(await this.#json(`/api/models/${name}/revision/main`, signal));
    const commit = about['sha'];
    if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) throw new HubError('not-the-hub', 'The answer names no commit.');
    const top = filesOf(await this.#json(`/api/models/${name}/tree/${commit}`, signal));
    const graphs = await this.#json(`/api/models/${name}/tree/${commit}/onnx`, signal).then(filesOf, unlessNotFound);
    const formats = formatsOf([...top, ...graphs]);
    const config = top.find(({ path }) => path === 'config.json');
    if (!config || formats.length === 0) {
      throw new HubError(
        'unusable',
        `${name} has none of the files of a model for transformers.js (config.json, tokenizer.json, onnx/model*.onnx).`,
      );
    }
    const card = asRecord(about['cardData']);
    return {
      host: this.host,
      repository: name,
      commit,
      licence: licenceOf(card, about['tags']),
      languages: stringsIn(card['language']).slice(0, 20),
      contextTokens: positionsIn(asRecord(await this.#json(resolvePath(name, commit, config.path), signal))),
      formats,
    };
  }

  /** The bytes of a file, at a commit. Errors: `HubError` for every status but 200, 206 and 416; the signal's reason. */
  open(repository: string, commit: string, path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    return this.#get(resolvePath(repository, commit, path), headers, signal);
  }

  /** A small answer. One that fails for a moment's reason is asked for once more, not longer: somebody waits for it. */
  #json(path: string, signal: AbortSignal): Promise<unknown> {
    return patiently({ ...this.patience, tries: 2 }, signal, async () => {
      const answer = await this.#get(path, { accept: 'application/json' }, signal);
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.chunks()) {
        bytes += chunk.length;
        if (bytes > mostJsonBytes) throw new HubError('not-the-hub', 'The answer is far too long.');
        parts.push(chunk);
      }
      try {
        return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
      } catch {
        throw new HubError('not-the-hub', 'The answer is not JSON.');
      }
    });
  }

  async #get(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    let url = new URL(`${this.address}${path}`);
    const home = url;
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const answer = await this.#request(url, headers, signal);
      if (answer.status < 300 || answer.status > 399) return checked(answer);
      await answer.drop();
      const next = locationOf(answer.headers.get('location'), url);
      if (next.protocol !== 'https:' && next.protocol !== home.protocol)
        throw new HubError('not-the-hub', 'The hub leads to an address without encryption.');
      url = next;
    }
    throw new HubError('not-the-hub', 'The hub leads from one address to the next without end.');
  }

  async #request(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const stop = new AbortController();
    const quiet = setTimeout(() => {
      stop.abort(new HubError('timed-out', `${url.host} has sent nothing for ${this.patience.quietMs} ms.`));
    }, this.patience.quietMs);
    const because = (error: unknown): unknown => {
      clearTimeout(quiet);
      if (signal.aborted) return signal.reason;
      if (stop.signal.aborted) return stop.signal.reason;
      return connectionError(networkCode(error), url.host);
    };
    const isHome = url.origin === new URL(this.address).origin;
    let response: Response;
    try {
      // VS Code gives extensions a `fetch` that knows the user's proxy and certificates. Lengths are of what is sent, so nothing is to be compressed.
      response = await fetch(url, {
        redirect: 'manual',
        signal: AbortSignal.any([signal, stop.signal]),
        headers: {
          'accept-encoding': 'identity',
          ...headers,
          ...(isHome && this.#token !== undefined ? { authorization: `Bearer ${this.#token}` } : {}),
        },
      });
    } catch (error) {
      throw because(error);
    }
    quiet.refresh();
    const { body } = response;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      const reader = body?.getReader();
      try {
        for (;;) {
          const read = await reader?.read();
          if (!read || read.done) return;
          yield read.value;
          quiet.refresh(); // whoever takes the bytes may be slow, which is not the hub's fault
        }
      } catch (error) {
        throw because(error);
      } finally {
        clearTimeout(quiet);
        stop.abort(); // what was not read is not to be sent
      }
    }
    const drop = async () => {
      clearTimeout(quiet);
      await body?.cancel().catch(() => undefined); // it may be gone already
    };
    return { status: response.status, headers: response.headers, chunks, drop };
  }
}

/** Tries again after a growing pause what failed for a reason that may pass; tries that gained something are not counted. */
export async function patiently<T>(
  patience: Patience,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  hasGained: () => boolean = () => false,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const passes = error instanceof HubError && (error.code === 'offline' || error.code === 'timed-out' || error.code === 'busy');
      if (!passes) throw error;
      if (hasGained()) tries = 1;
      if (tries >= patience.tries) throw error;
      const pauseMs = error.retryAfterMs ?? patience.firstPauseMs * 2 ** (tries - 1);
      if (pauseMs > patience.longestPauseMs) throw error;
      await pause(pauseMs, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Lets through what is an answer of a hub to the question. */
async function checked(answer: Answer): Promise<Answer> {
  const { status, headers } = answer;
  const isHtml = /^text\/html|^application\/xhtml/i.test(headers.get('content-type') ?? '');
  if ((status === 200 || status === 206 || status === 416) && !isHtml) return answer;
  await answer.drop();
  if (status === 401 || status === 403) throw new HubError('needs-token', `The hub does not let this be read (status ${status}).`);
  if (status === 404 || status === 410) throw new HubError('not-found', `The hub does not have it (status ${status}).`);
  if (status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 511)) {
    throw new HubError('busy', `The hub cannot answer now (status ${status}).`, { retryAfterMs: retryAfterMs(headers.get('retry-after')) });
  }
  throw new HubError('not-the-hub', `The answer is not a hub's (status ${status}${isHtml ? ', a web page' : ''}).`);
}

/** Seconds, or a date. */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function locationOf(location: string | null, from: URL): URL {
  try {
    return new URL(location ?? '', from);
  } catch {
    throw new HubError('not-the-hub', 'The hub leads to something that is no address.');
  }
}

/** OpenSSL's and Node's words for a chain that ends at nobody who is trusted. */
const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** Of a certificate that is refused, trying again changes nothing. */
function connectionError(code: string, host: string): HubError {
  if (unknownAuthority.has(code))
    return new HubError('unknown-authority', `The certificate of ${host} is by an unknown authority (${code}).`, { host });
  if (code.includes('CERT')) return new HubError('bad-certificate', `The certificate of ${host} is refused (${code}).`, { host });
  return new HubError('offline', `No connection to ${host}, or it was cut (${code}).`);
}

/** The system's own word for it, as "ENOTFOUND": no address is in it. */
function networkCode(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

function resolvePath(repository: string, commit: string, path: string): string {
  return `/${repository}/resolve/${commit}/${path}`;
}

function unlessNotFound(error: unknown): readonly HubFile[] {
  if (error instanceof HubError && error.code === 'not-found') return [];
  throw error;
}

/** Only entries whose size and hash are there and can be true. */
function filesOf(list: unknown): readonly HubFile[] {
  if (!Array.isArray(list)) throw new HubError('not-the-hub', 'The answer is not a list of files.');
  return list.map(asRecord).flatMap((entry): HubFile[] => {
    const { type, path, size, oid } = entry;
    const stored = entry['lfs'] === undefined || entry['lfs'] === null ? undefined : asRecord(entry['lfs']);
    const hex = stored ? stored['oid'] : oid;
    const bytes = stored ? stored['size'] : size;
    const isHash = typeof hex === 'string' && (stored ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hex);
    if (type !== 'file' || typeof path !== 'string' || !isHash || typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0)
      return [];
    return [{ path, bytes, hash: { kind: stored ? 'sha256' : 'git-sha1', hex } }];
  });
}

/** The formats whose files are all there: names are compared with those that are known, so no name of the hub's making ever becomes a path. */
function formatsOf(files: readonly HubFile[]): readonly HubFormat[] {
  const byPath = new Map(files.map(file => [file.path, file]));
  const needed = neededFiles.map(name => byPath.get(name));
  const others = alsoFetched.map(name => byPath.get(name)).filter(file => file !== undefined);
  const small = needed.filter(file => file !== undefined);
  if (small.length < neededFiles.length) return [];
  return preferredDtypes.flatMap((dtype): HubFormat[] => {
    const graph = byPath.get(`onnx/${graphName(dtype)}`);
    if (!graph) return [];
    const data: HubFile[] = [];
    for (let index = 0; ; index++) {
      const next = byPath.get(`${graph.path}_data${index === 0 ? '' : `_${String(index)}`}`);
      if (!next) break;
      data.push(next);
    }
    return [{ dtype, files: [...small, ...others, graph, ...data] }];
  });
}

function licenceOf(card: Readonly<Record<string, unknown>>, tags: unknown): string | undefined {
  const named = [...stringsIn(card['license']).filter(name => name !== 'other'), ...stringsIn(card['license_name'])];
  const tagged = stringsIn(tags).flatMap(tag => (tag.startsWith('license:') ? [tag.slice('license:'.length)] : []));
  return named[0] ?? tagged[0];
}

/** One string or several, each short: they are shown to people. */
function stringsIn(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((each): each is string => typeof each === 'string' && each !== '' && each.length <= 80);
}
