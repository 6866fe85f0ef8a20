import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const DASHBOARD = ['dashboard/**/*.ts', 'dashboard/**/*.tsx'];
const PROGRAM = ['src/**/*.ts', 'workflows/**/*.ts', 'activities/**/*.ts', ...DASHBOARD];
const TYPESCRIPT = [...PROGRAM, 'test/**/*.ts'];

const lengths = (lines, ofFunction) => ({
  'max-lines': ['error', { max: lines, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: ofFunction, skipBlankLines: true, skipComments: true }],
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', '.twinport/', 'coverage/'] },
  js.configs.recommended,
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/only-throw-error': 'off',
      // It takes a flag that a callback sets for a constant.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ThrowStatement > :matches(Literal, TemplateLiteral, ObjectExpression)',
          message: 'Throw a TwinportError, which says what a retry can do.',
        },
        { selector: 'ForInStatement', message: 'for…in also gives inherited keys: use Object.entries, keys or values.' },
      ],
      // Numbers and the like in templates are what templates are for.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allow: ['URL', 'URLSearchParams', 'Error'] },
      ],
      // `key in record` says the same, but `noPropertyAccessFromIndexSignature` wants brackets where this rule wants dots.
      '@typescript-eslint/dot-notation': 'off',
      // An async function without await is how an interface of promises is kept.
      '@typescript-eslint/require-await': 'off',
      // Arrow functions whose expression is a call for its effect are clear enough.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Types written as `type` where a union or a mapped type is meant, as interfaces elsewhere.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // `||` also replaces an empty text, which is often what is meant.
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      // It would have `!` where no-non-null-assertion forbids it.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Stubs and quiet loggers are empty on purpose.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: PROGRAM,
    rules: {
      ...lengths(400, 80),
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment: take what you need as an option.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', message: 'The global `process` is enough; its `env` belongs to src/config.' },
            { name: 'process', message: 'The global `process` is enough.' },
          ],
        },
      ],
    },
  },
  // Another world than Node's, with a compiler's configuration of its own.
  { files: DASHBOARD, languageOptions: { parserOptions: { project: './dashboard/tsconfig.json' } } },
  { files: ['src/config/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  // Results go to standard output there, for people and programs; everywhere else there is the logger.
  { files: ['src/processes/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      ...lengths(600, 400),
      // Answers of servers and matchers of Jest are untyped, and a test that reads them wrongly fails.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'fetch',
          'URL',
          'URLSearchParams',
          'AbortController',
          'AbortSignal',
          'Buffer',
          'setTimeout',
          'clearTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { ...lengths(400, 80), eqeqeq: 'error', 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
);
