/*
 * The rooms of the house and the directions between them: docs/adr/0001-rooms-and-directions.md.
 * `npm run rooms` checks them; each rule says why it is there.
 */

const SRC_ROOMS_BUT = (...names) => `^src/(?!(?:${names.join('|')})/)`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that need each other cannot be read, tested or moved alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'model-is-pure',
      comment:
        'Workflows take what is in model by value, and they run in a sandbox: no Node module, no package but the pure @noble/hashes.',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { pathNot: '^(?:src/model/|node_modules/@noble/hashes/)' },
    },
    {
      name: 'events-see-the-model-only',
      comment: 'A body becomes changes without asking anybody: parsing stays a function with table tests.',
      severity: 'error',
      from: { path: '^src/events/' },
      to: { path: SRC_ROOMS_BUT('model', 'events', 'telemetry') },
    },
    {
      name: 'event-sources-do-not-meet',
      comment: 'A source is one file and one line of the table: what two share is no source and gets a name of its own.',
      severity: 'error',
      from: { path: '^src/events/sources/([^/]+)' },
      to: { path: '^src/events/sources/', pathNot: '^src/events/sources/$1' },
    },
    {
      name: 'registry-sees-the-model-only',
      comment: 'One registry over /v2/, usable and testable without the rest.',
      severity: 'error',
      from: { path: '^src/registry/' },
      to: { path: SRC_ROOMS_BUT('model', 'registry', 'telemetry') },
    },
    {
      name: 'kinds-do-not-meet',
      comment: 'A kind of registry is one folder and one line of the table; what two share belongs to the registry room.',
      severity: 'error',
      from: { path: '^src/registry/kinds/([^/]+)/' },
      to: { path: '^src/registry/kinds/[^/]+/', pathNot: '^src/registry/kinds/$1/' },
    },
    {
      name: 'undici-in-transport-only',
      comment: 'Budgets, Retry-After, redirects without credentials and redaction hold only where every request goes through one place.',
      severity: 'error',
      from: { pathNot: '^src/registry/transport/' },
      to: { path: '^node_modules/undici/' },
    },
    {
      name: 'large-packages-are-loaded-when-used',
      comment: 'Clouds’ SDKs and OpenTelemetry are slow to load, and most processes need none of them: only a dynamic import, or a type.',
      severity: 'error',
      from: {},
      to: {
        path: '^node_modules/(?:@aws-sdk|@azure|google-auth-library|@opentelemetry)/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'ledger-sees-the-model-only',
      comment: 'The ledger records what others found out; it asks nobody.',
      severity: 'error',
      from: { path: '^src/ledger/' },
      to: { path: SRC_ROOMS_BUT('model', 'ledger', 'telemetry') },
    },
    {
      name: 'config-sees-types-only',
      comment:
        'Configuration describes registries, it does not open them: of the rooms it takes types, the table of kinds and the table of event sources.',
      severity: 'error',
      from: { path: '^src/config/' },
      to: {
        path: SRC_ROOMS_BUT('model', 'config', 'telemetry'),
        pathNot: '^src/(?:registry/kinds|events)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'replication-sees-registries-only',
      comment: 'Copying and comparing work between any two registries, without ledger, Temporal or configuration.',
      severity: 'error',
      from: { path: '^src/replication/' },
      to: { path: SRC_ROOMS_BUT('model', 'registry', 'replication', 'telemetry') },
    },
    {
      name: 'telemetry-sees-the-model-only',
      comment: 'It serves every room, so it may need none.',
      severity: 'error',
      from: { path: '^src/telemetry/' },
      to: { path: SRC_ROOMS_BUT('model', 'telemetry') },
    },
    {
      name: 'no-temporal-in-the-rooms',
      comment: 'Whoever reads how an image is copied need not know Temporal; workflows, activities and processes are its place.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/processes/' },
      to: { path: '^node_modules/@temporalio/' },
    },
    {
      name: 'workflows-take-values-from-the-model',
      comment:
        'Workflow code is bundled and replayed: values come from workflows, model and Temporal’s sandboxed packages alone; activities are known by their types.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { pathNot: '^(?:workflows/|src/model/|node_modules/@temporalio/(?:workflow|common)/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-see-no-room-but-model',
      comment: 'By type too: the wire contract between workflows and activities is model/steps.ts, and nothing else.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^src/(?!model/)' },
    },
    {
      name: 'site-activities-see-no-ledger',
      comment: 'A site’s worker stands beside its registry and has no database: data and records never share a process.',
      severity: 'error',
      from: { path: '^activities/site/' },
      to: { path: '^(?:src/ledger/|activities/control/)' },
    },
    {
      name: 'control-activities-see-no-registry',
      comment: 'The control plane has no credentials of registries, and no data passes it.',
      severity: 'error',
      from: { path: '^activities/control/' },
      to: { path: '^(?:src/registry/|src/replication/(?!scope\\.ts)|activities/site/)' },
    },
    {
      name: 'activities-start-nothing',
      comment: 'Activities do one step; workflows decide what comes next. The one that starts looks is handed a function.',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^node_modules/@temporalio/(?:client|worker)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-sees-processes',
      comment: 'Parts are wired together at the edge alone; what is needed in two places belongs to a room.',
      severity: 'error',
      from: { pathNot: '^(?:src/processes|dashboard|test)/' },
      to: { path: '^src/processes/' },
    },
    {
      name: 'only-processes-see-config',
      comment: 'Everything else is handed its options: no room depends on how a file spells them.',
      severity: 'error',
      from: { pathNot: '^(?:src/(?:processes|config)|test)/' },
      to: { path: '^src/config/' },
    },
    {
      name: 'dashboard-takes-values-from-the-model',
      comment:
        'It is bundled for browsers: values come from its own room, the model and Preact alone; what the API answers is known by the API’s own types.',
      severity: 'error',
      from: { path: '^dashboard/' },
      to: { pathNot: '^(?:dashboard/|src/model/|node_modules/preact/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-sees-the-dashboard',
      comment: 'It runs in browsers: the starter serves it as files.',
      severity: 'error',
      from: { pathNot: '^dashboard/' },
      to: { path: '^dashboard/' },
    },
    {
      name: 'no-development-packages',
      comment: 'What is installed with --omit=dev must run.',
      severity: 'error',
      from: { path: '^(?:src|workflows|activities)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-unresolvable',
      comment: 'A misspelt import is found here, not by whoever starts the program.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports is dead, or somebody forgot a line in a table.',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/processes/cli/main\\.ts$', '^workflows/index\\.ts$', '^dashboard/main\\.tsx$', '\\.d\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
