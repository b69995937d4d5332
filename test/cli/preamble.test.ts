import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { run, Scratch, scoreJson, tinyModel } from './run';

const tiny = ['--model', tinyModel];

describe('command line: a preamble', () => {
  const scratch = new Scratch();
  after(() => {
    scratch.remove();
  });
  const notes = 'The harbour was quiet.\n';
  const preamble = scratch.file('notes.md', notes);
  const file = scratch.file('text.txt', 'Boats came.');

  it('stands before the text as if both were one, and is named in the result and beside it', async () => {
    const out = path.join(scratch.folder, 'out.csv');
    const part = await scoreJson([file, ...tiny, '--preamble', preamble]);
    const whole = await scoreJson([scratch.file('whole.txt', `${notes}Boats came.`), ...tiny]);
    const tail = whole.tokens.slice(-part.tokens.length);
    for (const [index, { surprisalBits, id }] of part.tokens.entries()) {
      assert.equal(id, tail[index]?.id);
      assert.ok(Math.abs((surprisalBits ?? NaN) - (tail[index]?.surprisalBits ?? NaN)) < 1e-4);
    }
    const tokens = whole.tokens.length - part.tokens.length;
    const note = { kind: 'text', name: 'notes.md', tokens, sha256: createHash('sha256').update(notes).digest('hex') };
    assert.deepEqual(part.provenance.preamble, note);
    assert.equal(whole.provenance.preamble, undefined);

    assert.deepEqual((await run(['score', '--format', 'csv', '--out', out, file, ...tiny, '--preamble', preamble])).code, 0);
    assert.match(readFileSync(out, 'utf8'), /,text,preamble\n.*,"read after notes\.md, \d+ tokens"\n/);
    const { options } = JSON.parse(readFileSync(`${out}.meta.json`, 'utf8')) as { readonly options: { readonly preamble: unknown } };
    assert.deepEqual(options.preamble, note);
    const pretty = await run(['score', file, ...tiny, '--preamble', preamble]);
    assert.match(pretty.stdout.replace(/\s+/g, ' '), /read after notes\.md, \d+ tokens/);
  });

  it('is refused where it is not there, is standard input, or would be written over', async () => {
    for (const [words, why] of [
      [['--preamble', path.join(scratch.folder, 'none.md')], /no such file/],
      [['--preamble', '-'], /not standard input/],
      [['--preamble', ''], /empty/],
      [['--preamble', preamble, '--out', preamble], /is one of the files/],
    ] as const) {
      const { code, stdout, stderr } = await run(['score', file, ...tiny, ...words]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, why);
    }
    assert.equal(readFileSync(preamble, 'utf8'), notes);
  });
});
