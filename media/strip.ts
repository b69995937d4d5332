import * as l10n from '@vscode/l10n';
import type { DocumentShape } from '../src/views/panelProtocol';
import { element, svgElement } from './dom';
import { formatBits } from './format';

/** The strip's full height, in bits: fixed, so that two documents can be compared. Higher bars are cut. */
const stripBits = 20;
/** Columns that PageUp and PageDown pass. */
const pageColumns = 10;

/**
 * The document from its beginning to its end, one column per equal piece of its tokens; the cursor is a line. A click goes to a column; by keys a
 * mark is moved and Enter goes there, so that looking along the document does not leave the page.
 */
export function strip(shape: DocumentShape, reveal: (share: number) => void): Element {
  const count = shape.bits.length;
  const drawing = drawingOf(shape);
  const slider = element(
    'div',
    {
      class: 'strip-slider',
      role: 'slider',
      tabindex: '0',
      title: l10n.t('Click to go there'),
      'aria-label': l10n.t('Bits per token along the document. Arrow keys move, Enter goes there.'),
      'aria-description': stripInWords(shape),
      'aria-valuemin': '1',
      'aria-valuemax': String(count),
      'aria-orientation': 'horizontal',
    },
    drawing,
  );
  let chosen = 0;
  const mark = svgElement('rect', { class: 'chosen', y: '0', width: '1', height: String(stripBits) });
  drawing.append(mark);
  const choose = (column: number) => {
    chosen = Math.min(count - 1, Math.max(0, column));
    mark.setAttribute('x', String(chosen));
    slider.dataset['column'] = String(chosen);
    slider.setAttribute('aria-valuenow', String(chosen + 1));
    slider.setAttribute('aria-valuetext', columnInWords(shape, chosen));
  };
  const go = () => {
    reveal((chosen + 0.5) / count);
  };
  choose(Math.floor(shape.cursor * count));
  slider.addEventListener('click', event => {
    const { left, width } = drawing.getBoundingClientRect();
    choose(Math.floor(((event.clientX - left) / width) * count));
    go();
  });
  slider.addEventListener('keydown', event => {
    const target = targetOf(event.key, chosen, count);
    if (event.key === 'Enter') go();
    else if (target !== undefined) choose(target);
    else return;
    event.preventDefault(); // arrows would scroll the page
  });
  slider.addEventListener('choose', event => {
    if (event instanceof CustomEvent && typeof event.detail === 'number') choose(event.detail);
  });
  return slider;
}

/** The chosen column while the strip has the focus. */
export function columnOfFocusedStrip(): number | undefined {
  const focused = document.activeElement;
  return focused instanceof HTMLElement && focused.matches('.strip-slider') ? Number(focused.dataset['column']) : undefined;
}

/** Gives the focus to the strip that has taken the place of the one that had it. */
export function focusStrip(content: Element, column: number): void {
  const slider = content.querySelector('.strip-slider');
  if (!(slider instanceof HTMLElement)) return;
  slider.dispatchEvent(new CustomEvent('choose', { detail: column }));
  slider.focus({ preventScroll: true });
}

function targetOf(key: string, from: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return from - 1;
    case 'ArrowRight':
    case 'ArrowUp':
      return from + 1;
    case 'PageDown':
      return from - pageColumns;
    case 'PageUp':
      return from + pageColumns;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}

function drawingOf(shape: DocumentShape): SVGSVGElement {
  const columns = shape.bits.map((bits, index) => ({
    height: bits === null ? null : Math.min(bits, stripBits),
    band: shape.bands[index] ?? undefined,
  }));
  return columnDrawing(columns, stripBits, shape, { 'aria-hidden': 'true' });
}

/** Columns from the beginning of the document to its end, `full` is the whole height; null where not scored. The cursor is a line. */
export function columnDrawing(
  columns: readonly { readonly height: number | null; readonly band: number | undefined }[],
  full: number,
  { cursor, stale }: Pick<DocumentShape, 'cursor' | 'stale'>,
  attributes: Readonly<Record<string, string>>,
): SVGSVGElement {
  const count = columns.length;
  const gap = count > 100 ? 0.1 : 0.2;
  const bars = columns.map(({ height, band }, index) => {
    // What is little is never drawn as nothing.
    const shown = full * (height === null ? 0.025 : Math.max(0.02, height / full));
    return svgElement('rect', {
      class: height === null || band === undefined ? 'column unscored' : `column band${band}`,
      x: String(index + gap / 2),
      y: String(full - shown),
      width: String(1 - gap),
      height: String(shown),
    });
  });
  const at = String(cursor * count);
  const all = { viewBox: `0 0 ${count} ${full}`, preserveAspectRatio: 'none', class: stale ? 'strip stale' : 'strip', ...attributes };
  const line = svgElement('line', { class: 'cursor', x1: at, x2: at, y1: '0', y2: String(full) });
  const edge = svgElement('line', { class: 'base', x1: '0', x2: String(count), y1: String(full), y2: String(full) });
  return svgElement('svg', all, ...bars, edge, line);
}

function columnInWords(shape: DocumentShape, column: number): string {
  const bits = shape.bits[column] ?? null;
  const percent = Math.round((100 * column) / shape.bits.length);
  return bits === null
    ? l10n.t('{0}% of the way through, not scored yet', percent)
    : l10n.t('{0}% of the way through, up to {1} bits', percent, formatBits(bits));
}

function stripInWords(shape: DocumentShape): string {
  let peak = -1;
  shape.bits.forEach((bits, index) => {
    if (bits !== null && bits > (shape.bits[peak] ?? -1)) peak = index;
  });
  const cursor = l10n.t('The cursor is {0}% of the way through.', Math.round(100 * shape.cursor));
  if (peak < 0) return `${l10n.t('Not scored yet.')} ${cursor}`;
  const where = Math.round((100 * peak) / shape.bits.length);
  return `${l10n.t('Highest: {0} bits, {1}% of the way through.', formatBits(shape.bits[peak] ?? 0), where)} ${cursor}`;
}
