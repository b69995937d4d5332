import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bundledModel, outcomeOf, run, Scratch, start, tinyModel } from './run';

const tiny = ['--model', tinyModel];

describe('command line: exit codes', () => {
  const scratch = new Scratch();
  const text = scratch.file('text.txt', 'Hello there');
  after(() => {
    scratch.remove();
  });

  async function assertRefused(words: readonly string[], message: RegExp, input?: string | Uint8Array): Promise<void> {
    const { code, stdout, stderr } = await run(words, input);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, stderr);
    assert.match(stderr, /^token-lens: [^\n]+\n$/, 'one line');
    assert.match(stderr, message);
  }

  const badWords: readonly (readonly [name: string, words: readonly string[], message: RegExp])[] = [
    ['no subcommand', [], /usage/],
    ['an unknown subcommand', ['scores', text], /unknown subcommand "scores"/],
    ['no file', ['score'], /no file/],
    ['an unknown option', ['score', text, '--contxt', '5'], /--contxt/],
    ['an option without its value', ['score', text, '--format'], /--format/],
    ['a value where none goes', ['score', text, '--no-start-token=yes'], /--no-start-token/],
    ['an unknown format', ['score', text, '--format', 'xml'], /pretty, json, csv, html/],
    ['unknown anchors', ['score', text, '--anchors', 'tide'], /grid, text/],
    ['context 1', ['score', text, '--context', '1'], /2 to 1000000/],
    ['context -5', ['score', text, '--context', '-5'], /--context must be/],
    ['context 1000001', ['score', text, '--context', '1000001'], /--context/],
    ['context 1e3', ['score', text, '--context', '1e3'], /--context/],
    ['context ""', ['score', text, '--context', ''], /--context/],
    ['overlap -1', ['score', text, '--overlap=-1'], /--overlap/],
    ['an overlap at the default context', ['score', text, '--overlap', '1024'], /1024 of 1024/],
    ['an overlap at the context', ['score', text, '--context', '8', '--overlap', '8'], /8 of 8/],
    ['an overlap above the context', ['score', text, '--context', '8', '--overlap', '9'], /9 of 8/],
    ['top 0', ['score', text, '--top', '0'], /--top/],
    ['top 1001', ['score', text, '--top', '1001'], /--top/],
    ['top 2.5', ['score', text, '--top', '2.5'], /--top/],
    ['threads 0', ['score', text, '--threads', '0'], /--threads/],
    ['threads 257', ['score', text, '--threads', '257'], /--threads/],
    ['an unknown number format', ['score', text, '--dtype', 'q99'], /q99/],
    ['weights that the folder lacks', ['score', text, '--dtype', 'fp32'], /fp32/],
    ['a missing file', ['score', 'nowhere/at-all.txt'], /no such file/],
    ['a folder', ['score', '.'], /is a folder/],
    ['a missing model folder', ['score', text, '--model', 'nowhere/at-all'], /no model folder/],
    ['a file for a model folder', ['score', text, '--model', text], /no model folder/],
    ['an option that would break the line', ['score', text, '--format', 'a\nb\u001b[2J\u2028c'], /--format/],
  ];
  for (const [name, words, message] of badWords) it(`2: ${name}`, () => assertRefused(words, message));

  const binaries: Readonly<Record<string, Uint8Array>> = {
    'a NUL': Uint8Array.of(97, 0, 98),
    'a byte that is never UTF-8': Uint8Array.of(97, 0xff),
    'a character cut short': Uint8Array.of(97, 0xe2, 0x82),
    'a surrogate in UTF-8': Uint8Array.of(0xed, 0xa0, 0x80),
    'UTF-16': Uint8Array.of(0xff, 0xfe, 97, 0),
  };
  for (const [name, bytes] of Object.entries(binaries)) {
    it(`2: binary, ${name}, in a file and on standard input`, async () => {
      await assertRefused(['score', scratch.file('binary', bytes), ...tiny], /binary/);
      await assertRefused(['score', '-', ...tiny], /binary/, bytes);
    });
  }

  it('2: above the size limit, which is named; in a file and on standard input', async () => {
    const large = scratch.file('large', '');
    truncateSync(large, 50_000_001); // a hole: no bytes on the disk
    await assertRefused(['score', large, ...tiny], /50 MB/);
    await assertRefused(['score', '-', ...tiny], /50 MB/, readFileSync(large));
  });

  describe('model folders that are half copied or of an unknown kind', () => {
    let count = 0;
    function tinyCopy(change: (folder: string) => void): string {
      const folder = path.join(scratch.folder, `model-${String(++count)}`);
      cpSync(tinyModel, folder, { recursive: true });
      change(folder);
      return folder;
    }
    const edit = (folder: string, name: string, change: (content: string) => string) => {
      const file = path.join(folder, name);
      writeFileSync(file, change(readFileSync(file, 'utf8')));
    };
    const changes: Readonly<Record<string, (folder: string) => void>> = {
      'an empty folder': folder => {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
      },
      'no graph': folder => {
        rmSync(path.join(folder, 'onnx/model.onnx'));
      },
      'half a graph': folder => {
        truncateSync(path.join(folder, 'onnx/model.onnx'), statSync(path.join(folder, 'onnx/model.onnx')).size >> 1);
      },
      'an empty graph': folder => {
        truncateSync(path.join(folder, 'onnx/model.onnx'), 0);
      },
      'a graph that is none': folder => {
        writeFileSync(path.join(folder, 'onnx/model.onnx'), 'version https://git-lfs.example/spec/v1\n');
      },
      'no tokenizer': folder => {
        rmSync(path.join(folder, 'tokenizer.json'));
      },
      'half a tokenizer': folder => {
        edit(folder, 'tokenizer.json', content => content.slice(0, content.length >> 1));
      },
      'an unknown kind of tokenizer': folder => {
        edit(folder, 'tokenizer.json', content => content.replace(/"type":\s*"BPE"/, '"type":"Rotor"'));
      },
      'no config': folder => {
        rmSync(path.join(folder, 'config.json'));
      },
      'an unknown kind of model': folder => {
        edit(folder, 'config.json', content => content.replaceAll('gpt2', 'abacus').replaceAll('GPT2', 'Abacus'));
      },
      'a kind of model that predicts no next token': folder => {
        edit(folder, 'config.json', content => content.replaceAll('gpt2', 'bert').replaceAll('GPT2LMHeadModel', 'BertForMaskedLM'));
      },
    };
    for (const [name, change] of Object.entries(changes)) {
      it(`2: ${name}`, () => assertRefused(['score', text, '--model', tinyCopy(change)], /model|tokenizer/i));
    }

    it('the same folder unchanged is scored', async () => {
      assert.equal((await run(['score', text, '--model', tinyCopy(() => undefined)])).code, 0);
    });

    /** The bundled model by links, which are files of the folder itself, but for one file. */
    function bundledCopy(changed: string, content: Uint8Array | undefined): string {
      const folder = path.join(scratch.folder, `bundled-${String(++count)}`);
      mkdirSync(path.join(folder, 'onnx'), { recursive: true });
      for (const name of readdirSync(bundledModel, { recursive: true, encoding: 'utf8' })) {
        if (name === 'onnx') continue;
        if (name !== changed) linkOrCopy(path.join(bundledModel, name), path.join(folder, name));
        else if (content) writeFileSync(path.join(folder, name), content);
      }
      return folder;
    }
    const data = path.join('onnx', 'model_quantized.onnx_data_1');
    it('2: a data file is missing', () => assertRefused(['score', text, '--model', bundledCopy(data, undefined)], /onnx_data_1/));
    it('2: a data file is cut short', () =>
      assertRefused(['score', text, '--model', bundledCopy(data, new Uint8Array(1_000_000))], /onnx_data_1/));
    it('2: a data file is cut short, and there are no checksums', () => {
      const folder = bundledCopy(data, new Uint8Array(1_000_000));
      rmSync(path.join(folder, 'SHA256SUMS'));
      return assertRefused(['score', text, '--model', folder], /model/i);
    });
  });

  it('0: --help prints the options', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const option of [
      '--format',
      '--lines',
      '--level',
      '--out',
      '--model',
      '--dtype',
      '--context',
      '--overlap',
      '--anchors',
      '--top',
      '--no-start-token',
      '--exact',
      '--threads',
    ]) {
      assert.ok(stdout.includes(option), option);
    }
  });

  it('0: a reader that stops early is no error', async () => {
    const long = scratch.file('long.txt', 'The harbour was quiet. '.repeat(1000));
    const child = start(['score', long, '--format', 'json', ...tiny]);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await outcomeOf(child);
    assert.deepEqual([code, stderr], [0, '']);
  });

  describe('a run that is ended', () => {
    const long = scratch.file('longer.txt', 'The harbour was quiet before dawn. '.repeat(1000));

    /** The model process of a running command, once it is there. */
    async function modelProcessOf(parent: number): Promise<number> {
      for (;;) {
        const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
        const row = rows
          .map(line => line.trim().split(/\s+/))
          .find(columns => columns[1] === String(parent) && columns.some(word => word.endsWith('worker.js')));
        if (row?.[0] !== undefined) return Number(row[0]);
        await delay(20);
      }
    }
    async function assertGone(processId: number): Promise<void> {
      for (let attempt = 0; attempt < 100; attempt++) {
        try {
          process.kill(processId, 0);
        } catch {
          return; // ESRCH
        }
        await delay(20);
      }
      assert.fail(`process ${String(processId)} is still there`);
    }

    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      it(`${signal} ends both processes, quietly`, async () => {
        const child = start(['score', long]);
        const outcome = outcomeOf(child);
        const modelProcess = await modelProcessOf(child.pid ?? 0);
        await delay(500); // somewhere in the load or the first run
        child.kill(signal);
        assert.deepEqual(await outcome, { code, stdout: '', stderr: '' });
        await assertGone(modelProcess);
      });
    }

    it('SIGKILL, which cannot be handled, ends the model process too', async () => {
      const child = start(['score', long, ...tiny]);
      const outcome = outcomeOf(child);
      const modelProcess = await modelProcessOf(child.pid ?? 0);
      child.kill('SIGKILL');
      assert.equal((await outcome).stdout, '');
      await assertGone(modelProcess);
    });

    it('1: the model process dies; nothing on standard output, one line that says so', async () => {
      const child = start(['score', long]);
      const outcome = outcomeOf(child);
      process.kill(await modelProcessOf(child.pid ?? 0), 'SIGKILL');
      const { code, stdout, stderr } = await outcome;
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /^token-lens: [^\n]*process[^\n]*\n$/);
    });
  });
});

/** A link takes no room; across file systems there is none. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
