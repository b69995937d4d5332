import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { toExplain } from '../../src/views/explainProtocol';
import { toLesson } from '../../src/views/lessonProtocol';
import { toPanel } from '../../src/views/panelProtocol';
import { toReport } from '../../src/views/reportProtocol';
import { hostileTexts } from '../core/hostile';
import { toExplains, toLessons, toPanels, toReports } from './messages';
import { PanelServer, violationsOf } from './panelPage';

const cases = 10_000;
/** What VS Code posts is well-formed. */
const texts = hostileTexts(cases).map(text => text.toWellFormed());
/** Of every list in a message. */
const entries = 8;
const atOnce = 20;

type Read = (message: unknown) => unknown;
type Path = readonly string[];

const pages: readonly (readonly [name: 'panel' | 'report' | 'lesson' | 'explain', read: Read, messages: readonly unknown[]])[] = [
  ['panel', toPanel, toPanels],
  ['report', toReport, toReports],
  ['lesson', toLesson, toLessons],
  ['explain', toExplain, toExplains],
];

function partsOf(value: unknown): readonly (readonly [name: string, part: unknown])[] {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? Object.entries(value) : [];
}

function changed(value: unknown, [name, ...rest]: Path, change: (part: unknown) => unknown): unknown {
  if (name === undefined) return change(value);
  const copy: unknown = Array.isArray(value) ? [...(value as readonly unknown[])] : { ...(value as object) };
  const holder = copy as Record<string, unknown>;
  holder[name] = changed(holder[name], rest, change);
  return copy;
}

/** With several entries in each list that may be longer. */
function grown(message: unknown, read: Read, part: unknown, path: Path): unknown {
  let found = message;
  for (const [name, inner] of partsOf(part)) found = grown(found, read, inner, [...path, name]);
  if (!Array.isArray(part) || part.length === 0) return found;
  const longer = changed(found, path, list =>
    Array.from({ length: entries }, (_, index) => (list as readonly unknown[])[index % part.length]),
  );
  return read(longer) === undefined ? found : longer;
}

/** Where it holds text that may be any: not a name that the protocol knows. */
function placesIn(message: unknown, read: Read, part: unknown, path: Path): readonly Path[] {
  if (typeof part === 'string') return read(changed(message, path, () => 'any text')) === undefined ? [] : [path];
  return partsOf(part).flatMap(([name, inner]) => placesIn(message, read, inner, [...path, name]));
}

interface Seen {
  /** Elements, each with the names of its attributes. */
  readonly kinds: readonly string[];
  readonly text: string;
}

/** What the page shows of each message, one after the other. */
function shownOf(page: Page, messages: readonly unknown[]): Promise<readonly Seen[]> {
  return page.evaluate(async all => {
    const seen: Seen[] = [];
    for (const data of all) {
      window.dispatchEvent(new MessageEvent('message', { data }));
      await new Promise(resolve => requestAnimationFrame(resolve));
      const elements = [...document.body.querySelectorAll('*')];
      const kinds = new Set(elements.map(each => [each.localName, ...each.getAttributeNames().sort()].join(' ')));
      seen.push({ kinds: [...kinds], text: document.body.textContent });
    }
    return seen;
  }, messages);
}

describe(`${cases.toLocaleString('en')} hostile texts, each in every page`, function () {
  this.timeout(180_000);

  for (const [name, read, messages] of pages) {
    it(`are text and nothing else in the page "${name}"`, async () => {
      const server = await PanelServer.start(name);
      try {
        const page = await server.open('vscode-dark', 600);
        const templates = messages.map(message => grown(message, read, message, []));
        const places = templates.map(message => placesIn(message, read, message, []));
        const filled = (index: number, textOf: (place: number) => string) =>
          (places[index] ?? []).reduce((message, path, place) => changed(message, path, () => textOf(place)), templates[index]);
        // What is shown may be of an earlier message.
        const marker = (index: number, place: number) => `zq${String(index)}x${String(place)}qz`;
        const usual = await shownOf(
          page,
          templates.map((_, index) => filled(index, place => marker(index, place))),
        );
        const kinds = new Set(usual.flatMap(seen => seen.kinds));
        // Other messages than states add to what is there, or come too late for it.
        const isState = templates.map(message => partsOf(message).some(([part, value]) => part === 'kind' && value === 'show'));
        const isShown = places.map((paths, index) =>
          paths.map((_, place) => isState[index] === true && usual[index]?.text.includes(marker(index, place)) === true),
        );
        assert.ok(isShown.flat().filter(Boolean).length > 20, 'texts are seen');
        const posted = await page.evaluate(() => window.panelTest.posted.length);

        let next = 0;
        for (let round = 0; next < texts.length;) {
          const batch = Array.from({ length: atOnce }, () => {
            const index = round++ % templates.length;
            const from = next;
            next += places[index]?.length ?? 0;
            const textOf = (place: number) => texts[(from + place) % texts.length] ?? '';
            return { index, textOf, message: filled(index, textOf) };
          });
          const seen = await shownOf(
            page,
            batch.map(({ message }) => message),
          );
          for (const [at, { index, textOf }] of batch.entries()) {
            const shown = seen[at] ?? assert.fail();
            assert.deepEqual(
              shown.kinds.filter(kind => !kinds.has(kind)),
              [],
            );
            for (const [place, path] of (places[index] ?? []).entries())
              if (isShown[index]?.[place] === true)
                assert.ok(shown.text.includes(textOf(place).trim()), `${path.join('.')}: ${JSON.stringify(textOf(place))}`);
          }
        }
        assert.deepEqual(await violationsOf(page), []);
        assert.equal(await page.evaluate(() => window.panelTest.posted.length), posted);
        assert.deepEqual(
          server.requests.filter(address => !['/', `/${name}.js`, `/${name}.css`].includes(address)),
          [],
        );
      } finally {
        await server.stop();
      }
    });
  }
});
