import manifest from '../../package.json';

/** The class that VS Code gives the page's body. */
export type Theme = 'vscode-dark' | 'vscode-light' | 'vscode-high-contrast' | 'vscode-high-contrast-light';
export const themes: readonly Theme[] = ['vscode-light', 'vscode-dark', 'vscode-high-contrast', 'vscode-high-contrast-light'];

const defaultsName = {
  'vscode-dark': 'dark',
  'vscode-light': 'light',
  'vscode-high-contrast': 'highContrast',
  'vscode-high-contrast-light': 'highContrastLight',
} as const;

/** The colours of VS Code's four default themes that the page uses. */
const themeColours: Readonly<Record<Theme, Readonly<Record<string, string>>>> = {
  'vscode-dark': {
    foreground: '#cccccc',
    descriptionForeground: '#9d9d9d',
    'editor.background': '#1f1f1f',
    focusBorder: '#0078d4',
    'button.background': '#0078d4',
    'button.foreground': '#ffffff',
    'progressBar.background': '#0078d4',
    'textPreformat.foreground': '#d7ba7d',
    'textPreformat.background': '#3d3d3d',
  },
  'vscode-light': {
    foreground: '#3b3b3b',
    descriptionForeground: '#3b3b3b',
    'editor.background': '#ffffff',
    focusBorder: '#005fb8',
    'button.background': '#005fb8',
    'button.foreground': '#ffffff',
    'progressBar.background': '#005fb8',
    'textPreformat.foreground': '#3b3b3b',
    'textPreformat.background': '#0000001f',
  },
  'vscode-high-contrast': {
    foreground: '#ffffff',
    descriptionForeground: 'rgba(255, 255, 255, 0.7)',
    'editor.background': '#000000',
    focusBorder: '#f38518',
    contrastBorder: '#6fc3df',
    contrastActiveBorder: '#f38518',
    'button.background': '#000000',
    'button.foreground': '#ffffff',
    'button.border': '#6fc3df',
    'progressBar.background': '#6fc3df',
    'textPreformat.foreground': '#ffffff',
    'textPreformat.background': '#000000',
  },
  'vscode-high-contrast-light': {
    foreground: '#292929',
    descriptionForeground: 'rgba(41, 41, 41, 0.7)',
    'editor.background': '#ffffff',
    focusBorder: '#006bbd',
    contrastBorder: '#0f4a85',
    contrastActiveBorder: '#006bbd',
    'button.background': '#0f4a85',
    'button.foreground': '#ffffff',
    'button.border': '#0f4a85',
    'progressBar.background': '#0f4a85',
    'textPreformat.foreground': '#ffffff',
    'textPreformat.background': '#09345f',
  },
};

/** The `--vscode-*` variables of a default theme, the colours this extension contributes among them. */
export function themeVariables(theme: Theme): Record<string, string> {
  const colours: Record<string, string> = { ...themeColours[theme] };
  for (const { id, defaults } of manifest.contributes.colors) {
    const value = defaults[defaultsName[theme]];
    colours[id] = colours[value] ?? value; // a default may name another colour
  }
  const variables: Record<string, string> = {
    '--vscode-font-family': 'system-ui, sans-serif',
    '--vscode-font-size': '13px',
    '--vscode-editor-font-family': 'monospace',
    '--vscode-editor-font-size': '14px',
  };
  for (const [id, value] of Object.entries(colours)) variables[`--vscode-${id.replace('.', '-')}`] = value; // as VS Code does in webviews: the first dot only
  return variables;
}
