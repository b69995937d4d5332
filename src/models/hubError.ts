/**
 * Why a model hub did not give what was asked. Views turn codes into sentences; `message` is for the log. It never holds a token or the
 * query of an address: a hub's signed addresses open the file to whoever has them.
 */
export type HubErrorCode =
  /** No connection, or one that was cut again and again. */
  | 'offline'
  /** Connected, and then nothing came. */
  | 'timed-out'
  /** Its certificate is by an authority that this machine does not know. Nothing was sent. */
  | 'unknown-authority'
  /** Its certificate has expired, is not valid yet, was taken back, or is another host's. Nothing was sent. */
  | 'bad-certificate'
  /** The hub wants to know who asks, or does not let this one in; hubs say the same of a repository that does not exist. */
  | 'needs-token'
  | 'not-found'
  /** Too many requests, or the hub is out of order. */
  | 'busy'
  /** The answer is not a hub's: a proxy's or a log-in page. */
  | 'not-the-hub'
  /** What came is not what the hub's list of files says, by length or by hash. */
  | 'damaged'
  | 'no-space'
  /** The disk cannot be written to. */
  | 'storage'
  /** Another window is fetching the same model. */
  | 'in-progress'
  /** The repository holds no model that could be used. */
  | 'unusable';

export class HubError extends Error {
  override readonly name = 'HubError';
  /** How long the hub asks to be left alone; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;
  /** Of 'no-space'. */
  readonly room: { readonly neededBytes: number; readonly freeBytes: number } | undefined;
  /** Of 'unknown-authority' and 'bad-certificate': who showed it. A hub leads to other hosts. */
  readonly host: string | undefined;

  constructor(
    readonly code: HubErrorCode,
    message: string,
    options?: ErrorOptions & Partial<Pick<HubError, 'retryAfterMs' | 'room' | 'host'>>,
  ) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.room = options?.room;
    this.host = options?.host;
  }
}

/** A failure of the file system as a `HubError`; anything else as it is. */
export function storageError(error: unknown): unknown {
  if (error instanceof HubError || !(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new HubError('no-space', `The disk is full (${code}).`, { cause: error });
  if (/^E[A-Z]+$/.test(code)) return new HubError('storage', `The model folder cannot be written (${code}).`, { cause: error });
  return error;
}
