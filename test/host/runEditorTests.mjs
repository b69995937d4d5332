// node test/host/runEditorTests.mjs [PATTERN]: the tests of test/editor in a real VS Code. PICTURES=DIR keeps the screenshots they ask for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeAuthority } from './authority.mjs';
import { root, runSuite } from './vscodeHost.mjs';

const workspace = mkdtempSync(path.join(tmpdir(), 'token-lens-workspace-'));
const pictures = process.env['PICTURES'];
const certificates = mkdtempSync(path.join(tmpdir(), 'token-lens-certificates-'));

/** What certificates trust is read when VS Code starts. The operating system's are those of OpenSSL, which looks where the variable says. */
async function certificateEnvironment() {
  const hosts = ['hub.example', 'files.example', 'localhost', '127.0.0.1'];
  const [known, extra, unknown] = await Promise.all(['Known', 'Extra', 'Unknown'].map(name => makeAuthority(`Token Lens tests: ${name}`)));
  if (!known || !extra || !unknown) throw new Error('No authorities.');
  const issued = {
    known: await known.issue(hosts),
    extra: await extra.issue(hosts),
    unknown: await unknown.issue(hosts),
    expired: await known.issue(hosts, -1),
    elsewhere: await known.issue(['files.example']),
  };
  const file = (/** @type {string} */ name, /** @type {string} */ text) => {
    writeFileSync(path.join(certificates, name), text);
    return path.join(certificates, name);
  };
  return {
    SSL_CERT_FILE: file('system.pem', known.cert),
    NODE_EXTRA_CA_CERTS: file('extra.pem', extra.cert),
    TOKEN_LENS_CERTIFICATES: file('issued.json', JSON.stringify(issued)),
  };
}

try {
  const { passed, failed } = await runSuite({
    extension: root,
    suite: path.join(root, 'out/test/editor/index.js'),
    workspace,
    ...(pictures ? { pictures: path.resolve(pictures) } : {}),
    // What is drawn is compared with the bands of single tokens; test/editor/look.test.ts is about the other ways to look at a text.
    // Both cores of the smallest machine, where the extension itself would leave one to others: most of the time is the model's.
    settings: { 'tokenLens.preset': 'code', 'tokenLens.threads': 2 },
    environment: { TOKEN_LENS_TESTS: process.argv[2] ?? '', ...(await certificateEnvironment()) },
  });
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  for (const folder of [workspace, certificates]) rmSync(folder, { recursive: true, force: true });
}
