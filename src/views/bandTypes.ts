import * as vscode from 'vscode';
import { bandCount } from '../core/band';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';

/** How one band is drawn: scores of this very text, and scores of before an edit (the same hue, fainter). */
export interface BandType {
  readonly current: vscode.TextEditorDecorationType;
  readonly stale: vscode.TextEditorDecorationType;
}

/** Underlines, by band from 1: in most themes only of the top two, in high contrast (which has no tints) of all. */
const underlines = [undefined, undefined, undefined, 'dashed 2px', 'solid 2px'];
const highContrastUnderlines = ['dotted 1px', 'dotted 2px', 'dashed 1px', 'dashed 2px', 'solid 2px'];
/** Fainter, still visible. */
const staleShare = '45%';

/** The fixed set of decoration types. They follow colour themes by themselves, but high contrast needs another set. */
export class BandTypes implements Disposable {
  readonly #store = new DisposableStore();
  readonly #replaced = this.#store.add(new vscode.EventEmitter<void>());
  /** The types are others now: everything has to be drawn again. */
  readonly onDidReplace = this.#replaced.event;
  #highContrast = isHighContrast();
  #bands = createBands(this.#highContrast);
  readonly ruler = this.#store.add(
    vscode.window.createTextEditorDecorationType({
      overviewRulerColor: new vscode.ThemeColor('tokenLens.overviewRuler'),
      overviewRulerLane: vscode.OverviewRulerLane.Center, // the left lane is for changes, the right one for problems
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    }),
  );

  constructor() {
    this.#store.add(
      vscode.window.onDidChangeActiveColorTheme(() => {
        if (this.#highContrast === isHighContrast()) return;
        this.#highContrast = isHighContrast();
        disposeAll(this.#bands);
        this.#bands = createBands(this.#highContrast);
        this.#replaced.fire();
      }),
    );
  }

  /** Index 0 is band 1. */
  get bands(): readonly BandType[] {
    return this.#bands;
  }

  get all(): readonly vscode.TextEditorDecorationType[] {
    return [...this.#bands.flatMap(({ current, stale }) => [current, stale]), this.ruler];
  }

  dispose(): void {
    disposeAll(this.#bands);
    this.#store.dispose();
  }
}

function isHighContrast(): boolean {
  const { kind } = vscode.window.activeColorTheme;
  return kind === vscode.ColorThemeKind.HighContrast || kind === vscode.ColorThemeKind.HighContrastLight;
}

function createBands(highContrast: boolean): readonly BandType[] {
  return Array.from({ length: bandCount }, (_, index) => {
    const background = `tokenLens.band${(index + 1).toString()}Background`;
    // Bands below the fourth have no colour of their own for an underline, and need one in high contrast only.
    const line = `tokenLens.band${Math.max(4, index + 1).toString()}Underline`;
    const style = (highContrast ? highContrastUnderlines : underlines)[index];
    return {
      current: createType(new vscode.ThemeColor(background), style && underline(style, variable(line))),
      stale: createType(fainter(variable(background)), style && underline(style, fainter(variable(line)))),
    };
  });
}

function createType(backgroundColor: string | vscode.ThemeColor, textDecoration: string | undefined): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    backgroundColor,
    borderRadius: '3px',
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed, // text typed at an edge is not of the token
    ...(textDecoration === undefined ? {} : { textDecoration }),
  });
}

/**
 * VS Code has no option for the distance of an underline; what follows the semicolon is further CSS for the same rule. Close to the text: the
 * squiggle of a problem lies right below, and underlines are drawn over it.
 */
function underline(style: string, colour: string): string {
  return `underline ${style} ${colour}; text-underline-offset: 1px; text-decoration-skip-ink: none`;
}

function variable(colourId: string): string {
  return `var(--vscode-${colourId.replace('.', '-')})`;
}

function fainter(colour: string): string {
  return `color-mix(in srgb, ${colour} ${staleShare}, transparent)`;
}

function disposeAll(bands: readonly BandType[]): void {
  for (const { current, stale } of bands) {
    current.dispose();
    stale.dispose();
  }
}
