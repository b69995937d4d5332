import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { bandCount } from '../../src/core/band';
import { mutedOpacity, palettes } from '../../src/core/look';
import type { Palette } from '../../src/core/look';
import { signedBandCount } from '../../src/core/signedBands';

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

const palettePrefixes: Readonly<Record<Palette, string>> = { violet: 'tokenLens', ember: 'tokenLens.ember', tide: 'tokenLens.tide' };
const bandNumbers = Array.from({ length: bandCount }, (_, index) => String(index + 1));

/**
 * What the three common kinds of deficient colour vision see, at full strength: linear RGB times these rows. Machado, Oliveira and Fernandes 2009,
 * "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.0.
 */
const visions = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const;
type Vision = keyof typeof visions;

/** Ottosson's OKLab: distances in it are about as large as people see them. White is [1, 0, 0]. */
function okLab([red, green, blue]: Colour, vision: Vision): readonly [lightness: number, a: number, b: number] {
  const linear = (value: number) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = [linear(red), linear(green), linear(blue)];
  const times = (row: readonly number[], values: readonly number[]) =>
    row.reduce((sum, factor, index) => sum + factor * (values[index] ?? 0), 0);
  const seen = visions[vision].map(row => Math.min(1, Math.max(0, times(row, light))));
  const cones = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ].map(row => Math.cbrt(times(row, seen)));
  return [
    times([0.2104542553, 0.793617785, -0.0040720468], cones),
    times([1.9779984951, -2.428592205, 0.4505937099], cones),
    times([0.0259040371, 0.7827717662, -0.808675766], cones),
  ];
}

/** Of neighbouring bands; 0.02 is about what people see side by side. */
const leastDistance = 0.025;

describe('band colours', () => {
  for (const palette of palettes) {
    const idOf = (name: string) => `${palettePrefixes[palette]}.${name}`;
    for (const theme of themeNames) {
      const background = parse(themes[theme].background);
      const text = parse(themes[theme].text);
      const bands = bandNumbers.map(band => over(colourOf(idOf(`band${band}Background`), theme), background));

      it(`of ${palette} keep text readable in the ${theme} theme`, () => {
        for (const band of bands) assert.ok(contrast(text, band) >= 4.5, `${contrast(text, band).toFixed(2)} of 4.5`);
      });

      it(`of ${palette} have underlines that are seen in the ${theme} theme`, () => {
        for (const band of bandNumbers) {
          const line = colourOf(idOf(`band${band}Underline`), theme);
          assert.ok(contrast(line, background) >= 3, `band ${band}: ${contrast(line, background).toFixed(2)} of 3 over the background`);
        }
      });

      if (theme === 'highContrast' || theme === 'highContrastLight') {
        it(`of ${palette} are no tints in the ${theme} theme`, () => {
          for (const band of bandNumbers) assert.equal(colourOf(idOf(`band${band}Background`), theme)[3], 0);
        });
        continue;
      }
      for (const vision of ['normal', 'protanopia', 'deuteranopia', 'tritanopia'] as const) {
        it(`of ${palette} ascend in the ${theme} theme for ${vision}, each told from the one before`, () => {
          const seen = [background, ...bands].map(colour => okLab(colour, vision));
          const [ground] = seen;
          assert.ok(ground);
          const distances = seen
            .slice(1)
            .map((colour, index) => Math.hypot(...colour.map((value, axis) => value - (seen[index]?.[axis] ?? 0))));
          assert.ok(Math.min(...distances) >= leastDistance, distances.map(distance => distance.toFixed(3)).join(' '));
          // The further from the ground in lightness, the stronger: the order that every eye sees.
          const strengths = seen.map(([lightness]) => Math.abs(lightness - ground[0]));
          for (let band = 1; band < strengths.length; band++)
            assert.ok((strengths[band] ?? 0) > (strengths[band - 1] ?? 0), strengths.map(strength => strength.toFixed(3)).join(' '));
        });
      }
    }
  }
});

describe('colours of differences', () => {
  const signs = ['helps', 'hinders'] as const;
  const numbers = Array.from({ length: signedBandCount }, (_, index) => String(index + 1));
  for (const theme of themeNames) {
    const background = parse(themes[theme].background);
    const text = parse(themes[theme].text);
    const bandsOf = (sign: string) => numbers.map(band => over(colourOf(`tokenLens.${sign}${band}Background`, theme), background));

    it(`keep text readable and lines seen in the ${theme} theme`, () => {
      for (const sign of signs) {
        for (const band of bandsOf(sign)) assert.ok(contrast(text, band) >= 4.5, `${sign}: ${contrast(text, band).toFixed(2)} of 4.5`);
        assert.ok(contrast(colourOf(`tokenLens.${sign}Underline`, theme), background) >= 3, sign);
      }
    });
    if (theme === 'highContrast' || theme === 'highContrastLight') continue;

    for (const vision of ['normal', 'protanopia', 'deuteranopia', 'tritanopia'] as const) {
      it(`ascend and are told apart in the ${theme} theme for ${vision}`, () => {
        const seen = (colour: Colour) => okLab(colour, vision);
        const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)));
        const [helps, hinders] = signs.map(sign => [background, ...bandsOf(sign)].map(seen));
        assert.ok(helps && hinders);
        for (const bands of [helps, hinders])
          for (let band = 1; band < bands.length; band++) {
            const [own, before] = [bands[band] ?? [], bands[band - 1] ?? []];
            assert.ok(distance(own, before) >= leastDistance, `band ${String(band)}: ${distance(own, before).toFixed(3)}`);
          }
        for (let band = 2; band < helps.length; band++)
          assert.ok(distance(helps[band] ?? [], hinders[band] ?? []) >= leastDistance, `band ${String(band)}`);
      });
    }
  }
});

describe('dimmed text', () => {
  for (const theme of themeNames) {
    it(`stays readable in the ${theme} theme`, () => {
      const background = parse(themes[theme].background);
      const [red, green, blue] = parse(themes[theme].text);
      const dimmed = over([red, green, blue, mutedOpacity], background);
      assert.ok(contrast(dimmed, background) >= 4.5, contrast(dimmed, background).toFixed(2));
    });
  }
});
