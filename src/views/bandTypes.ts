import * as vscode from 'vscode';
import { bandCount } from '../core/band';
import { isPerByte, mutedOpacity } from '../core/look';
import type { Look, Palette } from '../core/look';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';

/** How one band is drawn: scores of this very text, and scores of before an edit (the same hue, fainter); and its sign in the gutter. */
export interface BandType {
  readonly current: vscode.TextEditorDecorationType;
  readonly stale: vscode.TextEditorDecorationType;
  readonly gutter: vscode.TextEditorDecorationType;
}

/** All decoration types of one look. */
export interface BandTypeSet {
  /** Index 0 is band 1. */
  readonly bands: readonly BandType[];
  readonly muted: vscode.TextEditorDecorationType;
  readonly ruler: vscode.TextEditorDecorationType;
  readonly all: readonly vscode.TextEditorDecorationType[];
}

/** Underlines by band from 1. With a tint only of the top two; five kinds where there is none, as in high contrast. */
const tintUnderlines = [undefined, undefined, undefined, 'dashed 2px', 'solid 2px'];
const fiveUnderlines = ['dotted 1px', 'dotted 2px', 'dashed 1px', 'dashed 2px', 'solid 2px'];
/** Fainter, still visible. */
const staleShare = '45%';

/** Of bands 1 to 5 on dark and on light ground. Pictures cannot refer to theme colours, so these are the palettes' underlines once more. */
const gutterColours: Readonly<Record<Palette, { readonly dark: readonly string[]; readonly light: readonly string[] }>> = {
  violet: { dark: fiveTimes('#a371f7'), light: fiveTimes('#8250df') },
  ember: { dark: fiveTimes('#f0883e'), light: fiveTimes('#bc4c00') },
  tide: {
    dark: ['#a98bff', '#6aa8ff', '#2fc4d8', '#4fd08a', '#d4d44a'],
    light: ['#7a7a00', '#1a7f37', '#0b7285', '#1f5fc4', '#6a3fd0'],
  },
};

/** `tokenLens.band1Background`, and with a palette's name before that for all but the first. */
export function colourId(palette: Palette, name: string): string {
  return palette === 'violet' ? `tokenLens.${name}` : `tokenLens.${palette}.${name}`;
}

/** The decoration types of all looks, made when a look is first seen. They follow colour themes by themselves, but high contrast needs others. */
export class BandTypes implements Disposable {
  readonly #store = new DisposableStore();
  readonly #replaced = this.#store.add(new vscode.EventEmitter<void>());
  /** The types are others now: everything has to be drawn again. */
  readonly onDidReplace = this.#replaced.event;
  readonly #sets = new Map<string, BandTypeSet>();
  #highContrast = isHighContrast();

  constructor() {
    this.#store.add(
      vscode.window.onDidChangeActiveColorTheme(() => {
        if (this.#highContrast === isHighContrast()) return;
        this.#highContrast = isHighContrast();
        this.#disposeSets();
        this.#replaced.fire();
      }),
    );
  }

  of({ palette, style, scale }: Look): BandTypeSet {
    // Whole sentences with an underline are hard to read, and the gutter says the same.
    const hasTint = isTinted({ style });
    const underlines = !hasTint ? 'five' : isPerByte(scale) ? 'none' : 'two';
    const key = `${palette} ${style} ${underlines}`;
    const known = this.#sets.get(key);
    if (known) return known;
    const set = createSet(palette, hasTint, { five: fiveUnderlines, two: tintUnderlines, none: [] }[underlines], this.#highContrast);
    this.#sets.set(key, set);
    return set;
  }

  /** All types of all looks that were seen so far. */
  get made(): readonly vscode.TextEditorDecorationType[] {
    return [...this.#sets.values()].flatMap(({ all }) => all);
  }

  dispose(): void {
    this.#disposeSets();
    this.#store.dispose();
  }

  #disposeSets(): void {
    for (const { all } of this.#sets.values()) for (const type of all) type.dispose();
    this.#sets.clear();
  }
}

/** Bands are told apart by their ground. If not, by five kinds of lines. */
export function isTinted({ style }: Pick<Look, 'style'>): boolean {
  return style === 'tint' && !isHighContrast();
}

export function isHighContrast(): boolean {
  const { kind } = vscode.window.activeColorTheme;
  return kind === vscode.ColorThemeKind.HighContrast || kind === vscode.ColorThemeKind.HighContrastLight;
}

function createSet(palette: Palette, hasTint: boolean, underlines: readonly (string | undefined)[], highContrast: boolean): BandTypeSet {
  const colours = highContrast ? { dark: fiveTimes('#ffffff'), light: fiveTimes('#000000') } : gutterColours[palette];
  const bands = Array.from({ length: bandCount }, (_, index) => {
    const name = `band${(index + 1).toString()}`;
    const background = hasTint ? colourId(palette, `${name}Background`) : undefined;
    const line = colourId(palette, `${name}Underline`);
    const style = underlines[index];
    return {
      current: createType(background && new vscode.ThemeColor(background), style && underline(style, variable(line))),
      stale: createType(background && fainter(variable(background)), style && underline(style, fainter(variable(line)))),
      gutter: vscode.window.createTextEditorDecorationType({
        gutterIconSize: 'contain',
        dark: { gutterIconPath: gutterIcon(index + 1, colours.dark[index] ?? '#ffffff') },
        light: { gutterIconPath: gutterIcon(index + 1, colours.light[index] ?? '#000000') },
        rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
      }),
    };
  });
  const muted = vscode.window.createTextEditorDecorationType({
    opacity: mutedOpacity.toString(),
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  const ruler = vscode.window.createTextEditorDecorationType({
    overviewRulerColor: new vscode.ThemeColor(colourId(palette, 'overviewRuler')),
    overviewRulerLane: vscode.OverviewRulerLane.Center, // the left lane is for changes, the right one for problems
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  return { bands, muted, ruler, all: [...bands.flatMap(({ current, stale, gutter }) => [current, stale, gutter]), muted, ruler] };
}

function createType(
  backgroundColor: string | vscode.ThemeColor | undefined,
  textDecoration: string | undefined,
): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    borderRadius: '3px',
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed, // text typed at an edge is not of the token
    ...(backgroundColor === undefined ? {} : { backgroundColor }),
    ...(textDecoration === undefined ? {} : { textDecoration }),
  });
}

/**
 * VS Code has no option for the distance of an underline; what follows the semicolon is further CSS for the same rule. Close to the text: the
 * squiggle of a problem lies right below, and underlines are drawn over it.
 */
export function underline(style: string, colour: string): string {
  return `underline ${style} ${colour}; text-underline-offset: 1px; text-decoration-skip-ink: none`;
}

/** A column that fills from below, band by band, before a paler one that is full: the step can be read without its colour. */
function gutterIcon(band: number, colour: string): vscode.Uri {
  const height = (14 * band) / bandCount;
  const column = (y: number, size: number, opacity: number) =>
    `<rect x="5" y="${y.toString()}" width="8" height="${size.toString()}" rx="1" fill="${colour}" fill-opacity="${opacity.toString()}"/>`;
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${column(1, 14, 0.22)}${column(15 - height, height, 1)}</svg>`;
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(picture).toString('base64')}`);
}

export function variable(id: string): string {
  return `var(--vscode-${id.replaceAll('.', '-')})`;
}

function fainter(colour: string): string {
  return `color-mix(in srgb, ${colour} ${staleShare}, transparent)`;
}

function fiveTimes(colour: string): readonly string[] {
  return Array.from({ length: bandCount }, () => colour);
}
