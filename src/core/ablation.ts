import { regionKinds } from './regions';
import type { Regions } from './regions';
import type { Span } from './scores';
import { textUnitsIn } from './textUnits';

/** Pieces of a text that people may want to leave out without selecting them. */
export const pieceKinds = ['comment', 'imports', 'paragraphAbove', 'paragraph', 'line'] as const;
export type PieceKind = (typeof pieceKinds)[number];

/** Lines that bring other files in, in common languages. */
const importLine =
  /^(?:import\b|from\s+\S+\s+import\b|export\s.*\sfrom\s|#\s*include\b|using\s+[\w.:]+|use\s+[\w\\:]+|require(?:_relative)?\b|@import\b|@use\b|(?:const|let|var)\s.*\brequire\()/;

/** Those there are at an offset, each with the line break that goes with it, so that nothing empty is left behind. UTF-16. */
export function piecesAt(text: string, offset: number, isCode: boolean, regions: Regions | undefined): ReadonlyMap<PieceKind, Span> {
  const found = new Map<PieceKind, Span>();
  const add = (kind: PieceKind, span: Span | undefined) => {
    if (span && text.slice(span.start, span.end).trim() !== '')
      found.set(kind, wholeLines(text, span, kind !== 'line' && kind !== 'comment'));
  };
  add('comment', regions && commentAt(text, offset, regions));
  if (isCode) add('imports', importsOf(text)); // prose has lines that begin so, too
  const [paragraph] = textUnitsIn(text, { start: offset, end: offset + 1 }, 'paragraph');
  // Between two paragraphs the cursor is below one of them.
  const above = text.slice(0, paragraph ? paragraph.start : offset).trimEnd().length;
  const [before] = above > 0 ? textUnitsIn(text, { start: above - 1, end: above }, 'paragraph') : [];
  add('paragraphAbove', before);
  add('paragraph', paragraph);
  add('line', lineAt(text, offset));
  return found;
}

/** The comment that holds the offset or stands on its line; lines of comments one below the other are one. */
function commentAt(text: string, offset: number, { length, starts, ends, kinds }: Regions): Span | undefined {
  const comments = Array.from({ length }, (_, index) => ({ start: starts[index] ?? 0, end: ends[index] ?? 0, kind: kinds[index] }))
    .filter(({ kind }) => regionKinds[kind ?? -1] === 'comments')
    .reduce<{ readonly start: number; end: number }[]>((blocks, { start, end }) => {
      const last = blocks.at(-1);
      if (last && /^[^\S\n]*\n?[^\S\n]*$/.test(text.slice(last.end, start))) last.end = end;
      else blocks.push({ start, end });
      return blocks;
    }, []);
  const line = lineAt(text, offset);
  return (
    comments.find(({ start, end }) => start <= offset && offset <= end) ??
    comments.find(({ start, end }) => start < line.end && end > line.start)
  );
}

/** From the first statement that brings another file in to the last of those that follow it with nothing between them but white space. */
function importsOf(text: string): Span | undefined {
  let first: number | undefined;
  let end = 0;
  let open = 0; // brackets of a statement that goes on
  for (let start = 0; start < text.length; start = lineAt(text, start).end + 1) {
    const line = text.slice(start, lineAt(text, start).end);
    if (open === 0 && !importLine.test(line)) {
      if (first === undefined || line.trim() === '') continue;
      break;
    }
    first ??= start;
    open = Math.max(0, open + (line.match(/[({]/g)?.length ?? 0) - (line.match(/[)}]/g)?.length ?? 0));
    end = start + line.trimEnd().length;
  }
  return first === undefined ? undefined : { start: first, end };
}

/** Without its line break. */
function lineAt(text: string, offset: number): Span {
  const end = text.indexOf('\n', offset);
  return { start: offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1, end: end < 0 ? text.length : end };
}

/** What fills its lines goes with their last line break, and with the empty lines after it; other text as it is. */
function wholeLines(text: string, { start, end }: Span, withEmptyLines: boolean): Span {
  const [first, last] = [lineAt(text, start), lineAt(text, end)];
  const isWhole = text.slice(first.start, start).trim() === '' && text.slice(end, last.end).trim() === '';
  if (!isWhole) return { start, end };
  const rest = (withEmptyLines ? /^(?:[^\S\n]*\n)+/ : /^[^\S\n]*\n/).exec(text.slice(end));
  return { start: first.start, end: end + (rest?.[0].length ?? last.end - end) };
}
