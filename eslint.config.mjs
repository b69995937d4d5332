import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Layers, as rules: who may import whom. */
const noVscode = { name: 'vscode', message: 'Only views, the state and the wiring know the editor.' };
const noTransformers = { name: '@xenova/transformers', message: 'Only src/model/runtime.ts imports transformers.js.' };
const noWayBack = {
  group: ['**/model/**', '**/views/**', '**/cli/**', '**/scoredDocument*', '**/config', '**/lensModel'],
  message: 'core knows nothing above it.',
};

/** What shows text in which VS Code sees links and icons. */
const shows = ['showInformationMessage', 'showWarningMessage', 'showErrorMessage', 'withProgress', 'setStatusBarMessage'];

export default defineConfig(
  { ignores: ['dist/', 'out/', '.vscode-host/', '.vscode-test/', 'models/', 'samples/', 'test/fixtures/', 'src/model/onnxProto.ts'] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-console': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      'no-restricted-imports': ['error', { paths: [noVscode, noTransformers] }],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // `return this.#answer(…)` ends a function early in one line; what it returns is declared.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      // Numbers in sentences are what this project is about.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/notices.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...shows.map(property => ({ property, message: 'src/notices.ts shows it, as text that is no link and no icon.' })),
      ],
    },
  },
  {
    files: ['src/core/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [noVscode, noTransformers], patterns: [noWayBack, { group: ['node:*'], message: 'core runs in web pages too.' }] },
      ],
    },
  },
  {
    files: ['src/exports/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [noVscode, noTransformers],
          patterns: [
            { ...noWayBack, message: 'exports know core only.' },
            { group: ['node:*'], message: 'exports are pure, as core is.' },
          ],
        },
      ],
    },
  },
  {
    files: ['src/model/runtime.ts', 'bench/baselines.ts'], // there it is what the engine is measured against
    rules: { 'no-restricted-imports': ['error', { paths: [noVscode] }] },
  },
  {
    files: [
      'src/*.ts',
      'src/views/**',
      'bench/editor.ts',
      'test/editor/**',
      'test/packaged/**',
      'test/pictures/**',
      'test/restart/**',
      'test/untrusted/**',
    ],
    rules: { 'no-restricted-imports': ['error', { paths: [noTransformers] }] },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'readonly', process: 'readonly', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' }, // CommonJS has no other way
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', Buffer: 'readonly', setTimeout: 'readonly' } },
  },
  {
    files: ['eslint.config.mjs'],
    rules: { 'no-restricted-syntax': 'off' }, // ESLint reads a default export
  },
);
