import type { RunOptions, AxeResults } from 'axe-core';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const source = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

/** What axe-core finds serious or critical on a page as it stands, with the elements; none is what we want. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(source); // not as an element: the policy of the page would not let it run
  return page.evaluate(async () => {
    const { axe } = window as unknown as { readonly axe: { run(context: Document, options: RunOptions): Promise<AxeResults> } };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
  });
}
