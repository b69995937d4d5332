import { toReport } from '../src/views/reportProtocol';
import type { FromReport, ReportMessage, ReportNumbers, ReportState, ReportTable, ReportText } from '../src/views/reportProtocol';
import { changePage } from './changePage';
import { element, svgElement, tokenElement } from './dom';

declare function acquireVsCodeApi(): {
  postMessage(message: FromReport): void;
  getState(): unknown;
  setState(state: { readonly scrollY: number }): void;
};

type Post = (message: FromReport) => void;

/** The strip's full height, in bits per token: fixed, so that two texts can be compared. Higher columns are cut. */
const stripBits = 12;

/** The report's page: drawn from its last message and nothing else. What holds the focus has it again afterwards. */
function start(): void {
  const vscode = acquireVsCodeApi();
  const post: Post = message => vscode.postMessage(message);
  const progress = element('div', { class: 'progress', 'aria-hidden': 'true' });
  const main = element('main', {});
  document.body.append(progress, main);
  let hasNumbers = false;
  let scrollY = savedScroll(vscode.getState());

  window.addEventListener('scroll', () => {
    if (!hasNumbers) return; // a short message scrolls the page up: that is not the reader's doing
    ({ scrollY } = window);
    vscode.setState({ scrollY });
  });
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = toReport(data);
    if (!message) return; // nothing that the extension says
    const place = scrollY; // redrawing may scroll, and so may change it
    const { state } = message;
    hasNumbers = state.kind !== 'message';
    const isBusy = state.kind === 'message' ? state.busy : state.updating;
    main.setAttribute('aria-busy', String(isBusy));
    document.body.classList.toggle('busy', isBusy);
    if (state.kind !== 'message') document.documentElement.dataset['palette'] = state.palette;
    const focused = document.activeElement?.getAttribute('data-key');
    main.replaceChildren(...page(state, post));
    if (state.kind !== 'message') window.scrollTo({ top: place, behavior: 'instant' });
    if (typeof focused === 'string')
      main.querySelector<HTMLElement | SVGElement>(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  });
  post({ kind: 'ready' });
}

function page(state: ReportState, post: Post): readonly HTMLElement[] {
  switch (state.kind) {
    case 'message':
      return [messagePart(state, post)];
    case 'numbers':
      return numbersPage(state, post);
    case 'change':
      return changePage(state, (text, span) => post({ kind: 'go', text, ...span }), state.reading && readingNote(state.reading, post));
  }
}

function messagePart({ headline, text, goOn }: ReportMessage, post: Post): HTMLElement {
  const part = element('section', { class: 'message' }, element('h2', {}, headline), element('p', {}, text));
  if (goOn === undefined) return part;
  const button = element('button', { type: 'button', class: 'main', 'data-key': 'go-on' }, goOn);
  button.addEventListener('click', () => post({ kind: 'goOn' }));
  part.append(button);
  return part;
}

function numbersPage(state: ReportNumbers, post: Post): readonly HTMLElement[] {
  const { texts } = state;
  return [
    element('h1', {}, element('bdi', {}, state.title)),
    state.updating ? element('p', { class: 'updating-note' }, state.updatingText) : undefined,
    element('p', { class: 'lead' }, state.lead),
    state.reading && readingNote(state.reading, post),
    section('numbers', state.numbers.title, state.numbers.note, valueTable(state.numbers, texts)),
    section('bands', state.bands.title, state.bands.note, bandTable(state)),
    state.kinds && section('kinds', state.kinds.title, state.kinds.note, valueTable(state.kinds, texts)),
    section('shape', state.shape.title, state.shape.note, ...texts.flatMap((text, index) => shape(text, index, state, post))),
    section(
      'places',
      state.places.title,
      state.places.note,
      sideBySide(texts, (text, index) => places(text, index, texts.length > 1, post)),
    ),
    element('footer', {}, state.provenance),
  ].filter(part => part !== undefined);
}

function section(id: string, title: string, note: string, ...content: readonly Node[]): HTMLElement {
  const heading = element('div', { class: 'heading' }, element('h2', { id }, title), element('p', {}, note));
  return element('section', { class: id, 'aria-labelledby': id }, heading, ...content);
}

function readingNote({ text, chooseModel }: NonNullable<ReportNumbers['reading']>, post: Post): HTMLElement {
  const button = element('button', { type: 'button', class: 'link', 'data-key': 'model' }, chooseModel);
  button.addEventListener('click', () => post({ kind: 'chooseModel' }));
  return element('p', { class: 'reading', role: 'note' }, text, ' ', button);
}

/** The head of a table: the names of the texts over their columns. Of a single text the title says the name already. */
function tableHead(texts: readonly ReportText[]): HTMLElement {
  const names = texts.map(text => element('th', { scope: 'col' }, textName(text)));
  return element('thead', { class: texts.length > 1 ? '' : 'only-spoken' }, element('tr', {}, element('td', {}), ...names));
}

function textName({ name, detail }: ReportText): HTMLElement {
  return element('span', { class: 'text-name' }, element('bdi', {}, name), element('small', {}, detail));
}

function valueTable({ title, rows }: ReportTable, texts: readonly ReportText[]): HTMLElement {
  const body = rows.map(({ label, values }) =>
    element('tr', {}, element('th', { scope: 'row' }, label), ...values.map(value => element('td', { class: 'value' }, value))),
  );
  return element('table', { 'aria-label': title, class: `of-${texts.length}` }, tableHead(texts), element('tbody', {}, ...body));
}

function bandTable({ bands, texts }: ReportNumbers): HTMLElement {
  const body = bands.rows.map(({ band, label, shares }) => {
    const swatch = element('span', { class: band === 0 ? 'swatch' : `swatch band${band}`, 'aria-hidden': 'true' }, 'ab');
    const cells = shares.map(({ share, text }) => {
      const bar = element('div', { class: `bar band${band}` });
      bar.style.width = `${(share * 100).toFixed(2)}%`;
      bar.hidden = share === 0;
      const track = element('div', { class: 'track', 'aria-hidden': 'true' }, bar);
      return element('td', {}, element('div', { class: 'share' }, track, element('span', { class: 'value' }, text)));
    });
    return element('tr', {}, element('th', { scope: 'row' }, swatch, ' ', label), ...cells);
  });
  return element('table', { 'aria-label': bands.title, class: `of-${texts.length}` }, tableHead(texts), element('tbody', {}, ...body));
}

/** The columns of a text as a slider: arrows move along it, Enter or a click goes to the place. */
function shape(text: ReportText, index: number, state: ReportNumbers, post: Post): readonly Element[] {
  const { columns } = text;
  if (columns.length === 0) return [];
  const count = columns.length;
  const gap = count > 60 ? 0.12 : 0.2;
  const bars = columns.map(({ meanBits, band }, at) => {
    const height = meanBits === null ? 0.4 : Math.max(0.4, Math.min(meanBits, stripBits));
    return svgElement('rect', {
      class: band === null ? 'column unscored' : `column band${band}`,
      x: String(at + gap / 2),
      y: String(stripBits - height),
      width: String(1 - gap),
      height: String(height),
    });
  });
  const base = svgElement('line', { class: 'base', x1: '0', x2: String(count), y1: String(stripBits), y2: String(stripBits) });
  const cursor = svgElement('rect', { class: 'place', x: '0', y: '0', width: '1', height: String(stripBits) });
  const strip = svgElement(
    'svg',
    {
      class: 'strip',
      viewBox: `0 0 ${count} ${stripBits}`,
      preserveAspectRatio: 'none',
      role: 'slider',
      tabindex: '0',
      'data-key': `shape-${index}`,
      'aria-label': state.texts.length > 1 ? `${state.shape.title}: ${text.name}` : state.shape.title,
      'aria-valuemin': '1',
      'aria-valuemax': String(count),
    },
    cursor,
    ...bars,
    base,
  );
  const readout = element('p', { class: 'readout', 'aria-hidden': 'true' });
  let at = 0;
  const move = (to: number) => {
    at = Math.min(count - 1, Math.max(0, to));
    const label = columns[at]?.label ?? '';
    cursor.setAttribute('x', String(at));
    strip.setAttribute('aria-valuenow', String(at + 1));
    strip.setAttribute('aria-valuetext', label);
    readout.textContent = label;
  };
  const go = () => {
    const from = columns[at]?.start ?? 0;
    post({ kind: 'go', text: index, start: from, end: columns[at + 1]?.start ?? from });
  };
  const under = (event: MouseEvent) => {
    const box = strip.getBoundingClientRect();
    return Math.floor(((event.clientX - box.left) / box.width) * count);
  };
  const steps: Readonly<Record<string, () => number>> = {
    ArrowLeft: () => at - 1,
    ArrowDown: () => at - 1,
    ArrowRight: () => at + 1,
    ArrowUp: () => at + 1,
    PageUp: () => at + 10,
    PageDown: () => at - 10,
    Home: () => 0,
    End: () => count - 1,
  };
  strip.addEventListener('keydown', event => {
    const step = steps[event.key];
    if (step) move(step());
    else if (event.key === 'Enter' || event.key === ' ') go();
    else return;
    event.preventDefault();
  });
  strip.addEventListener('pointermove', event => move(under(event)));
  strip.addEventListener('click', event => {
    move(under(event));
    go();
  });
  move(0);
  const name = state.texts.length > 1 ? [element('p', { class: 'caption' }, textName(text))] : [];
  return [...name, strip, readout];
}

function sideBySide(texts: readonly ReportText[], part: (text: ReportText, index: number) => HTMLElement): HTMLElement {
  return element('div', { class: 'side-by-side' }, ...texts.map(part));
}

function places(text: ReportText, index: number, hasName: boolean, post: Post): HTMLElement {
  const items = text.peaks.map(({ start: from, end, line, before, token, after, bits }, at) => {
    const where = element('span', { class: 'where' }, element('bdi', {}, before), tokenElement(token), element('bdi', {}, after));
    const button = element(
      'button',
      { type: 'button', class: 'peak', 'data-key': `peak-${index}-${at}` },
      element('span', { class: 'value' }, bits),
      where,
      element('span', { class: 'line' }, line),
    );
    button.addEventListener('click', () => post({ kind: 'go', text: index, start: from, end }));
    return element('li', {}, button);
  });
  const caption = hasName ? element('p', { class: 'caption' }, textName(text)) : undefined;
  return element('div', {}, caption, element('ol', { class: 'peaks' }, ...items));
}

function savedScroll(saved: unknown): number {
  if (typeof saved !== 'object' || saved === null || !('scrollY' in saved)) return 0;
  return typeof saved.scrollY === 'number' ? saved.scrollY : 0;
}

start();
