import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { bandCount } from '../../src/core/band';

type Theme = 'dark' | 'light' | 'highContrast' | 'highContrastLight';
type Colour = readonly [red: number, green: number, blue: number, alpha: number];
interface Manifest {
  readonly contributes: { readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<Theme, string>> }[] };
}

/** Editor background, its plain text, and the border that high contrast themes draw: VS Code's own default themes. */
const themes: Readonly<Record<Theme, { readonly background: string; readonly text: string; readonly contrastBorder: string }>> = {
  dark: { background: '#1f1f1f', text: '#cccccc', contrastBorder: '#ffffff' },
  light: { background: '#ffffff', text: '#3b3b3b', contrastBorder: '#000000' },
  highContrast: { background: '#000000', text: '#ffffff', contrastBorder: '#6fc3df' },
  highContrastLight: { background: '#ffffff', text: '#292929', contrastBorder: '#0f4a85' },
};
const themeNames: readonly Theme[] = ['dark', 'light', 'highContrast', 'highContrastLight'];

const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

function colourOf(id: string, theme: Theme): Colour {
  const value = contributes.colors.find(colour => colour.id === id)?.defaults[theme];
  assert.ok(value !== undefined, `${id} has no default for ${theme}`);
  return parse(value === 'contrastBorder' ? themes[theme].contrastBorder : value);
}

function parse(hex: string): Colour {
  assert.match(hex, /^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/);
  const byte = (index: number) => Number.parseInt(hex.slice(1 + 2 * index, 3 + 2 * index), 16);
  return [byte(0), byte(1), byte(2), hex.length === 9 ? byte(3) / 255 : 1];
}

/** A translucent colour over an opaque one. */
function over([red, green, blue, alpha]: Colour, below: Colour): Colour {
  const mix = (top: number, bottom: number) => top * alpha + bottom * (1 - alpha);
  return [mix(red, below[0]), mix(green, below[1]), mix(blue, below[2]), 1];
}

/** Relative luminance and contrast ratio as WCAG 2 defines them. */
function luminance([red, green, blue]: Colour): number {
  const linear = (value: number) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}
function contrast(a: Colour, b: Colour): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

const bandNames = Array.from({ length: bandCount }, (_, index) => `tokenLens.band${String(index + 1)}Background`);

describe('band colours', () => {
  for (const theme of themeNames) {
    const background = parse(themes[theme].background);
    const text = parse(themes[theme].text);
    const bands = bandNames.map(id => over(colourOf(id, theme), background));

    it(`keep text readable in the ${theme} theme`, () => {
      for (const band of bands) assert.ok(contrast(text, band) >= 4.5, `${contrast(text, band).toFixed(2)} of 4.5`);
    });

    it(`have underlines that are seen in the ${theme} theme`, () => {
      for (const index of [4, 5]) {
        const line = colourOf(`tokenLens.band${String(index)}Underline`, theme);
        assert.ok(
          contrast(line, background) >= 3,
          `band ${String(index)}: ${contrast(line, background).toFixed(2)} of 3 over the background`,
        );
      }
    });

    if (theme === 'dark' || theme === 'light') {
      it(`ascend in the ${theme} theme, each told from the one before`, () => {
        const steps = [background, ...bands].map(band => contrast(band, background));
        for (let index = 1; index < steps.length; index++)
          assert.ok((steps[index] ?? 0) / (steps[index - 1] ?? 0) >= 1.06, steps.map(step => step.toFixed(2)).join(' '));
      });
    } else {
      it(`are no tints in the ${theme} theme`, () => {
        for (const id of bandNames) assert.equal(colourOf(id, theme)[3], 0);
      });
    }
  }
});
