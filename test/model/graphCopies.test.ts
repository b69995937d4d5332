import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { provenanceFileName, readModelFolder } from '../../src/model/catalog';
import { bytesOf, folderOf, forgetCopiesOfGone, installedBytes, modelsOnDisk, removeModel } from '../../src/models/installed';
import type { ModelId, Provenance } from '../../src/models/installed';
import { Folders, padded, tinyGpt2 } from './graphs';
import { loadParams, never, newClient } from './process';

describe('copies of model files in the cache folder', () => {
  const folders = new Folders();
  const client = newClient();
  let root: string;
  let cacheFolder: string;
  beforeEach(() => {
    root = path.join(folders.empty(), 'models');
    cacheFolder = folders.empty();
  });
  afterEach(() => {
    client.stop('the test is over');
    folders.clear();
  });
  after(() => {
    client.dispose();
  });

  const model: ModelId = { repository: 'owner/tiny', commit: '0'.repeat(40), dtype: 'fp32' };
  const load = (folder: string) => client.call('load', { ...loadParams(folder), cacheFolder }, never);
  const kept = () => readdirSync(cacheFolder).sort();
  const copies = () => kept().filter(name => name.endsWith('.onnx') && statSync(path.join(cacheFolder, name)).isFile());

  /** A model above 8 MB, of which a copy is made; no two are the same. */
  let made = 0;
  function largeModel(folder: string): string {
    cpSync(tinyGpt2.folder, folder, { recursive: true });
    padded({ ...tinyGpt2, folder }, 12_000_000 + 4 * ++made);
    return folder;
  }

  async function install(): Promise<string> {
    const folder = largeModel(folderOf(root, model));
    const { contentHash, names } = await readModelFolder(folder, undefined);
    const files = names.map(name => ({ path: name, bytes: statSync(path.join(folder, name)).size, sha256: '0'.repeat(64) }));
    const provenance: Provenance = {
      ...{ ...model, host: 'example.org', licence: undefined, languages: [], contextTokens: undefined },
      ...{ files, contentHash },
    };
    writeFileSync(path.join(folder, provenanceFileName), JSON.stringify(provenance));
    return folder;
  }

  it('go with the model that they are of, and so does its self-check: so much becomes free as is said, and nothing else goes', async () => {
    const folder = await install();
    const own = largeModel(path.join(folders.empty(), 'own'));
    await load(own);
    const ofOthers = kept();
    assert.equal(copies().length, 1);
    writeFileSync(path.join(cacheFolder, 'x.onnx'), '');
    const { key } = await load(folder);
    assert.equal(kept().length, ofOthers.length + 3);
    const [installed] = (await modelsOnDisk(root)).installed;
    assert.ok(installed);
    const [copy] = copies().filter(name => name.includes(key.contentHash));
    const copyBytes = statSync(path.join(cacheFolder, copy ?? '')).size;
    assert.ok(copyBytes > 12_000_000);
    assert.equal(await installedBytes(installed, cacheFolder), bytesOf(installed.provenance.files) + copyBytes);
    await removeModel(root, model, cacheFolder);
    assert.equal(existsSync(folder), false);
    assert.deepEqual(kept(), [...ofOthers, 'x.onnx'].sort());
  });

  it('do not pile up where the files of a model are changed', async () => {
    const own = largeModel(path.join(folders.empty(), 'own'));
    await load(own);
    const before = copies();
    appendFileSync(path.join(own, 'config.json'), '\n');
    client.stop('the files are read anew');
    await load(own);
    assert.equal(copies().length, 1);
    assert.notDeepEqual(copies(), before);
  });

  it('are forgotten where their model is gone, unless they are young', async () => {
    const installed = await install();
    const known = largeModel(path.join(folders.empty(), 'known'));
    const gone = largeModel(path.join(folders.empty(), 'gone'));
    for (const folder of [installed, known]) await load(folder);
    const ofKnown = kept();
    await load(gone);
    const all = kept();
    const foreign = `${'0'.repeat(64)}-${'0'.repeat(16)}.onnx`;
    mkdirSync(path.join(cacheFolder, foreign)); // a folder of that name is none of ours
    const tidy = () => forgetCopiesOfGone(root, [known], cacheFolder);
    await tidy();
    assert.deepEqual(kept(), [...all, foreign].sort());
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of kept()) utimesSync(path.join(cacheFolder, name), old, old);
    await tidy();
    const selfCheck = all.filter(name => name.startsWith('self-check') && !ofKnown.includes(name));
    assert.equal(selfCheck.length, 1); // some hundred bytes, and the folder may be somewhere else now
    assert.deepEqual(kept(), [...ofKnown, ...selfCheck, foreign].sort());
  });

  it('of a folder that is not there are none', async () => {
    await forgetCopiesOfGone(path.join(root, 'none'), [], path.join(cacheFolder, 'none'));
    await assert.rejects(removeModel(root, { ...model, commit: '..' }, cacheFolder), RangeError);
    await removeModel(root, model, path.join(cacheFolder, 'none'));
  });
});
