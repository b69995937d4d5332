import type { ChangeHunk, ChangeLine, ChangeTable, ReportChange } from '../src/views/reportProtocol';
import { element } from './dom';

/** Goes to a place of one of the two texts. UTF-16 offsets. */
type Go = (text: number, span: { readonly start: number; readonly end: number }) => void;

/** A change: its numbers, then its hunks in their order, each a table of lines. Arrow keys move through all lines of all hunks. */
export function changePage(state: ReportChange, go: Go, reading: HTMLElement | undefined): readonly HTMLElement[] {
  const hunks = state.hunks.map((hunk, index) => hunkPart(hunk, index, state, go));
  const lines = hunks.flatMap(hunk => [...hunk.querySelectorAll<HTMLButtonElement>('.go-line')]);
  for (const [index, line] of lines.entries()) {
    line.addEventListener('keydown', event => {
      const next = { ArrowDown: lines[index + 1], ArrowUp: lines[index - 1], Home: lines[0], End: lines.at(-1) }[event.key];
      if (!next) return;
      next.focus();
      event.preventDefault();
    });
    // One stop for the Tab key in each hunk: where the arrows were last.
    line.addEventListener('focus', () => {
      for (const other of line.closest('table')?.querySelectorAll<HTMLButtonElement>('.go-line') ?? []) other.tabIndex = -1;
      line.tabIndex = 0;
    });
  }
  return [
    element('h1', {}, element('bdi', {}, state.title)),
    state.updating ? element('p', { class: 'updating-note', role: 'status' }, state.updatingText) : undefined,
    element('p', { class: 'lead' }, state.lead),
    reading,
    element('p', { class: 'verdict' }, state.verdict),
    state.hunks.length > 0 ? totalsPart(state.totals) : undefined,
    state.hunks.length > 0
      ? element(
          'section',
          { class: 'hunks', 'aria-labelledby': 'hunks' },
          heading('hunks', state.hunksTitle, state.hunksNote),
          ...hunks,
          state.more === undefined ? undefined : element('p', { class: 'more' }, state.more),
        )
      : undefined,
    element('footer', {}, ...state.rules.map(rule => element('p', {}, rule)), element('p', {}, state.provenance)),
  ].filter(part => part !== undefined);
}

function heading(id: string, title: string, note: string): HTMLElement {
  return element('div', { class: 'heading' }, element('h2', { id }, title), element('p', {}, note));
}

function totalsPart({ title, note, heads, rows }: ChangeTable): HTMLElement {
  const head = element('tr', {}, element('td', {}), ...heads.map(each => element('th', { scope: 'col' }, each)));
  const body = rows.map(({ label, values }) =>
    element('tr', {}, element('th', { scope: 'row' }, label), ...values.map(value => element('td', { class: 'value' }, value))),
  );
  const table = element('table', { 'aria-label': title, class: 'of-2' }, element('thead', {}, head), element('tbody', {}, ...body));
  return element('section', { 'aria-labelledby': 'totals' }, heading('totals', title, note), table);
}

function hunkPart({ title, mark, facts, lines, more }: ChangeHunk, index: number, { columns }: ReportChange, go: Go): HTMLElement {
  const id = `hunk-${index}`;
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col', class: 'line-column' }, columns.line),
    element('th', { scope: 'col' }, columns.text),
    element('th', { scope: 'col', class: 'number' }, columns.tokens),
    element('th', { scope: 'col', class: 'number' }, columns.bits),
    element('th', { scope: 'col', class: 'ratio' }, columns.bitsPerByte),
  );
  const rows = lines.map((line, at) => lineRow(line, `line-${index}-${at}`, at === 0, go));
  return element(
    'article',
    { class: mark === undefined ? 'hunk' : 'hunk marked', 'aria-labelledby': id },
    element('h3', { id }, title, mark === undefined ? undefined : element('span', { class: 'mark' }, mark)),
    ...facts.map(fact => element('p', { class: 'fact' }, fact)),
    element('table', { 'aria-labelledby': id, class: 'lines' }, element('thead', {}, head), element('tbody', {}, ...rows)),
    more === undefined ? undefined : element('p', { class: 'more' }, more),
  );
}

function lineRow(line: ChangeLine, key: string, isFirst: boolean, go: Go): HTMLElement {
  const { side, start, end, number, text, tokens, bits, bitsPerByte, bar, mark, label } = line;
  const indent = /^\s*/.exec(text)?.[0] ?? '';
  const sign = side === 0 ? '\u2212' : '+';
  const button = element(
    'button',
    { type: 'button', class: 'go-line', 'data-key': key, 'aria-label': label, tabindex: isFirst ? '0' : '-1' },
    element('span', { class: 'sign' }, sign),
    ' ',
    number,
  );
  button.addEventListener('click', () => go(side, { start, end }));
  return element(
    'tr',
    { class: `${side === 0 ? 'removed' : 'added'}${mark === undefined ? '' : ' stands-out'}` },
    element('th', { scope: 'row', class: 'line-column' }, button),
    element(
      'td',
      { class: 'line-text' },
      indent,
      element('bdi', {}, text.slice(indent.length)),
      mark === undefined ? undefined : element('span', { class: 'mark' }, mark),
    ),
    element('td', { class: 'number' }, tokens),
    element('td', { class: 'number' }, bits),
    element(
      'td',
      { class: 'ratio' },
      element('div', { class: 'share' }, bar && track(bar), element('span', { class: 'value' }, bitsPerByte)),
    ),
  );
}

function track({ share, usual }: NonNullable<ChangeLine['bar']>): HTMLElement {
  const filled = element('div', { class: 'bar' });
  filled.style.width = `${(share * 100).toFixed(2)}%`;
  const tick = element('div', { class: 'tick' });
  tick.style.insetInlineStart = `${(usual * 100).toFixed(2)}%`;
  return element('div', { class: 'track', 'aria-hidden': 'true' }, filled, tick);
}
