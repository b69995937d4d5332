import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export const repository = 'someone/tiny-gpt2';
export const commit = '0123456789abcdef0123456789abcdef01234567';
const tree = `/api/models/${repository}/tree/${commit}`;

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Asked {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly remotePort: number | undefined;
}

/** Answers a request in place of the hub; true: it has. */
export type Trick = (request: http.IncomingMessage, response: http.ServerResponse, path: string) => boolean;

/** A model hub on this machine that serves the files of a folder, honestly as long as no trick is played. */
export class HubServer {
  readonly asked: Asked[] = [];
  readonly files: Map<string, Buffer>;
  /** What its list says of a file in place of the truth. */
  readonly listed = new Map<string, Readonly<Record<string, unknown>>>();
  readonly about: Record<string, unknown> = {
    id: repository,
    sha: commit,
    cardData: { license: 'apache-2.0', language: ['en', 'de'] },
    tags: ['onnx', 'license:mit'],
  };
  trick: Trick | undefined;
  readonly #server: http.Server | https.Server;
  readonly #scheme: 'http' | 'https';

  /** `certificate`: in PEM; undefined: without encryption. */
  constructor(folder: string, certificate?: Certificate) {
    const answer = (request: http.IncomingMessage, response: http.ServerResponse) => {
      this.#answer(request, response);
    };
    this.#server = certificate ? https.createServer(certificate, answer) : http.createServer(answer);
    this.#scheme = certificate ? 'https' : 'http';
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.includes('.'));
    this.files = new Map(names.map(name => [name.split(path.sep).join('/'), readFileSync(path.join(folder, name))]));
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return this.address;
  }

  get address(): string {
    return `${this.#scheme}://127.0.0.1:${String(this.port)}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Requests for the content of files, and of which part. */
  get ranges(): readonly (readonly [path: string, range: string | undefined])[] {
    return this.asked
      .filter(({ path: asked }) => asked.includes('/resolve/'))
      .map(({ path: asked, headers }) => [asked.split(`${commit}/`)[1] ?? '', headers.range]);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  etagOf(content: Buffer): string {
    return `"${createHash('md5').update(content).digest('hex')}"`;
  }

  /** The file as a good server gives it; `content` in place of what the folder has. */
  send(request: http.IncomingMessage, response: http.ServerResponse, content: Buffer): void {
    const etag = this.etagOf(content);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    if (start > 0 && isSame && start >= content.length) {
      response.writeHead(416).end();
    } else if (start > 0 && isSame) {
      const range = `bytes ${String(start)}-${String(content.length - 1)}/${String(content.length)}`;
      response.writeHead(206, { etag, 'content-range': range, 'content-length': content.length - start }).end(content.subarray(start));
    } else {
      response.writeHead(200, { etag, 'content-length': content.length, 'content-type': 'application/octet-stream' }).end(content);
    }
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const asked = request.url ?? '';
    this.asked.push({ path: asked, headers: request.headers, remotePort: request.socket.remotePort });
    if (this.trick?.(request, response, asked)) return;
    if (asked === `/api/models/${repository}/revision/main`) return sendJson(response, this.about);
    if (asked === tree) return sendJson(response, this.#list(''));
    if (asked === `${tree}/onnx`) return sendJson(response, this.#list('onnx/'));
    const content = this.files.get(asked.split(`/${repository}/resolve/${commit}/`)[1] ?? '');
    if (content) this.send(request, response, content);
    else response.writeHead(404).end();
  }

  /** Large files are listed with their SHA-256, small ones with git's hash. */
  #list(folder: string): readonly unknown[] {
    return [...this.files]
      .filter(([name]) => name.startsWith(folder) && !name.slice(folder.length).includes('/'))
      .map(([name, content]) => {
        const oid = createHash('sha1')
          .update(`blob ${String(content.length)}\0`)
          .update(content)
          .digest('hex');
        const entry = { type: 'file', path: name, size: content.length, oid };
        const lfs = { oid: createHash('sha256').update(content).digest('hex'), size: content.length, pointerSize: 134 };
        return { ...entry, ...(name.includes('.onnx') ? { lfs } : {}), ...this.listed.get(name) };
      });
  }
}

function sendJson(response: http.ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
