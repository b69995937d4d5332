import assert from 'node:assert/strict';
import { ModelError } from '../../src/model/errors';
import { LongReading } from '../../src/views/longReading';
import { browser } from './browser';
import { activated, eventually } from './documents';
import { clearNotices, notices } from './notices';

const firstButton = '.notifications-center .notification-list-item-buttons-container .monaco-button';

describe('what takes the model long', function () {
  this.timeout(60_000);
  before(activated);
  beforeEach(clearNotices);
  afterEach(clearNotices);

  it('begins when somebody who has seen the cost says so', async () => {
    const reading = new LongReading();
    let begun = 0;
    const run = (tokens: number) => reading.run('A whole book', tokens, () => Promise.resolve(++begun));
    const cost = /A whole book\. The model reads about 20,000 tokens for it, which takes some \d\d seconds\./;
    const saysCost = () =>
      eventually('the cost is said', async () => cost.test(await notices())).catch(async (error: unknown) => {
        throw new Error(`${String(begun)} ${await notices()}`, { cause: error });
      });
    const refused = run(20_000);
    await saysCost();
    assert.equal(begun, 0);
    await clearNotices();
    assert.deepEqual([await refused, begun], [undefined, 0]);
    assert.equal(await run(100), 1, 'of little, nobody is asked');
    const wanted = run(20_000);
    await saysCost();
    assert.equal(begun, 1);
    await browser.click(firstButton);
    assert.equal(await wanted, 2);
  });

  it('is told by the speed of a reading before one was measured: of some thousand tokens nobody is asked', () => {
    assert.equal(new LongReading().costOf(2_000), undefined);
    assert.match(new LongReading().costOf(20_000) ?? '', /about 20,000 tokens/);
  });

  it('ends when it is cancelled', async () => {
    let isEnded = false;
    const work = (signal: AbortSignal) =>
      new Promise<string>((_, reject) => {
        signal.addEventListener('abort', () => {
          isEnded = true;
          reject(new ModelError('cancelled', 'Cancelled.'));
        });
      });
    const found = new LongReading().run('A whole book', 100, work);
    await eventually('it is shown', async () => (await notices()).includes('Token Lens: A whole book'));
    assert.equal(isEnded, false);
    await browser.click(firstButton);
    assert.deepEqual([await found, isEnded], [undefined, true]);
  });
});
