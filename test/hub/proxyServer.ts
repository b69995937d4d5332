import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy as companies have it, on this machine: whatever host is asked for, it leads to one port here. */
export class ProxyServer {
  /** What it was asked for by CONNECT, as "host:port". */
  readonly tunnels: string[] = [];
  /** Addresses it was asked for in clear. */
  readonly inClear: string[] = [];
  /** What it could read: the heads of requests, and all that went through its tunnels towards the host. */
  readonly #seen: Buffer[] = [];
  /** Local ports of its own connections to the host. */
  readonly #ports = new Set<number | undefined>();
  readonly #sockets = new Set<Duplex>();
  readonly #server = http.createServer((request, response) => {
    this.inClear.push(request.url ?? '');
    this.#seen.push(Buffer.from(JSON.stringify(request.headers)));
    response.writeHead(502).end();
  });

  /** `port`: where everything leads to. */
  async start(port: number): Promise<string> {
    this.#server.on('connect', (request: http.IncomingMessage, client: Duplex, head: Buffer) => {
      this.tunnels.push(request.url ?? '');
      this.#seen.push(Buffer.from(JSON.stringify(request.headers)), head);
      const host = net.connect(port, '127.0.0.1', () => {
        this.#ports.add(host.localPort);
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        host.write(head);
        client.on('data', (part: Buffer) => this.#seen.push(part));
        client.pipe(host).pipe(client);
      });
      for (const socket of [client, host]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined); // cut by the other side
      }
    });
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Whether the connection came through here. */
  hasLed(remotePort: number | undefined): boolean {
    return this.#ports.has(remotePort);
  }

  couldRead(text: string): boolean {
    return Buffer.concat(this.#seen).includes(text);
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
