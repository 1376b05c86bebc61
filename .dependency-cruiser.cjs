// @ts-check
/**
 * The floors of the house and who may import whom (docs/ARCHITECTURE.md). Type-only imports count:
 * a type that points upwards is a dependency all the same.
 */

/** From the top. An import never goes up. */
const FLOORS = [
  { name: 'main', path: '^component/(main|device-program)\\.ts$' },
  { name: 'local-server and commands', path: '^(local-server|component/commands)/' },
  { name: 'control', path: '^component/control/' },
  { name: 'edge-runtime', path: '^component/(?!main\\.ts$|device-program\\.ts$)[^/]+\\.ts$' },
  { name: 'pipeline', path: '^component/pipeline/' },
  { name: 'inference', path: '^component/inference/' },
  { name: 'camera, decode and delivery', path: '^component/(camera|decode|delivery)/' },
  {
    name: 'greengrass, registry and native',
    path: '^(component/(greengrass|registry|configuration|field-io|logging|object-store|timing)|native)/',
  },
  { name: 'contract', path: '^component/contract/' },
];

const upwards = FLOORS.slice(1).map((floor, index) => ({
  name: `no-import-upwards-from-${floor.name.replaceAll(/,? (and )?/g, '-')}`,
  comment: `${floor.name} is below ${FLOORS[index]?.name}: pass what it needs as an argument.`,
  severity: /** @type {const} */ ('error'),
  from: { path: floor.path },
  to: {
    path: FLOORS.slice(0, index + 1)
      .map((above) => above.path)
      .join('|'),
  },
}));

/** What exactly one place may import, so that replacing or isolating it touches one place. */
const SINGLE_IMPORTERS = [
  {
    name: 'addon',
    what: '\\.node$',
    where: '^native/index\\.ts$',
    comment: 'native/index.ts is the only file that loads the addon.',
  },
  {
    name: 'create-require',
    what: '^(node:)?module$',
    where: '^(native/index|component/inference/child-environment)\\.ts$',
    comment:
      'createRequire is how the addon is loaded; what else asks for it wants the cache of compiled code.',
  },
  {
    name: 'onnxruntime',
    what: '(^|node_modules/)onnxruntime-(node|common)',
    where: '^component/inference/(model-session|execution/(open-graph|load-runtime))\\.ts$',
    comment:
      'ONNX Runtime blocks its thread and may crash: it lives in the worker and the probe, which load it by load-runtime.ts.',
  },
  {
    name: 'eventstream',
    what: '(^|node_modules/)@smithy/core',
    where: '^component/greengrass/eventstream-frames\\.ts$',
    comment: 'How the nucleus is spoken to stands in one place.',
  },
  {
    name: 'mqtt',
    what: '(^|node_modules/)mqtt(/|$)',
    where: '^component/delivery/mqtt-channel\\.ts$',
    comment: 'A broker is a channel like the nucleus: who sends does not know which it is.',
  },
  {
    name: 'opcua',
    what: '(^|node_modules/)node-opcua',
    where: '^component/field-io/opcua-(connection|subscription|worker)\\.ts$',
    comment:
      'node-opcua is slow to load and large: it lives in a thread that is there where it is needed.',
  },
  {
    name: 'sqlite',
    what: '(^|node_modules/)better-sqlite3',
    where: '^(component|cloud-publisher)/registry/',
    comment: 'SQLite blocks its thread: it lives in the registry worker.',
  },
  {
    name: 'kysely',
    what: '(^|node_modules/)kysely',
    where: '^cloud-publisher/registry/',
    comment: 'Statements of the publisher stand in its registry, whatever the database.',
  },
  {
    name: 'pg',
    what: '(^|node_modules/)pg/',
    where: '^cloud-publisher/registry/',
    comment: 'Which database it is, only the registry knows.',
  },
  {
    name: 'aws-s3',
    what: '(^|node_modules/)@aws-sdk/client-s3',
    where: '^(component/object-store|cloud-publisher/storage)/',
    comment:
      'Calls of S3 stand behind the store of objects, which device and publisher share, and the publisher’s own stores.',
  },
  {
    name: 'aws-greengrass',
    what: '(^|node_modules/)@aws-sdk/client-greengrassv2',
    where: '^cloud-publisher/greengrass/',
    comment: 'Calls of Greengrass stand behind the component gateway.',
  },
  {
    name: 'aws-sts',
    what: '(^|node_modules/)@aws-sdk/client-sts',
    where: '^cloud-publisher/aws/',
    comment: 'Whose credentials these are is asked in one place.',
  },
  {
    name: 'aws-iot',
    what: '(^|node_modules/)@aws-sdk/client-iot',
    where: '^cloud-publisher/fleet/',
    comment: 'Things, groups, jobs and shadows stand behind the fleet.',
  },
  {
    name: 'aws-sagemaker',
    what: '(^|node_modules/)@aws-sdk/client-sagemaker',
    where: '^cloud-publisher/sagemaker/',
    comment: 'Training and compilation jobs stand behind their ports.',
  },
];

const singleImporters = SINGLE_IMPORTERS.map(({ name, what, where, comment }) => ({
  name: `single-importer-of-${name}`,
  comment,
  severity: /** @type {const} */ ('error'),
  from: { path: '^(component|native|local-server|cloud-publisher)/', pathNot: where },
  to: { path: what },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upwards,
    ...singleImporters,
    {
      name: 'contract-imports-only-zod',
      comment: 'The vocabulary of both halves must load anywhere.',
      severity: 'error',
      from: { path: '^component/contract/' },
      to: { pathNot: '^component/contract/|(^|node_modules/)zod(/|$)' },
    },
    {
      name: 'component-never-imports-local-server',
      comment: 'Only device-program.ts joins the two; the server gets what it needs as arguments.',
      severity: 'error',
      from: { path: '^(component|native)/', pathNot: '^component/device-program\\.ts$' },
      to: { path: '^local-server/' },
    },
    {
      name: 'nothing-imports-the-publisher',
      comment: 'The publisher stays off the device.',
      severity: 'error',
      from: { path: '^(component|native|local-server)/' },
      to: { path: '^cloud-publisher/' },
    },
    {
      name: 'publisher-imports-little-of-the-device',
      comment:
        'The publisher shares contract, inference/package, decode, object-store and the door of the probe, its server what every server of ours does with requests; cli.ts the commands.',
      severity: 'error',
      from: { path: '^cloud-publisher/' },
      to: {
        path: '^(component|native|local-server)/',
        pathNot:
          '^component/((contract|inference/package|decode|commands|object-store)/|(inference/run-probe|device-program|configuration/(listen-error|load-configuration|read-server-token)|logging/create-logger)\\.ts$)|^local-server/(plugins/|request-(failures|values)\\.ts$)',
      },
    },
    {
      name: 'publisher-commands-in-cli-only',
      comment: 'cli.ts alone offers the device commands too.',
      severity: 'error',
      from: {
        path: '^cloud-publisher/',
        pathNot: '^cloud-publisher/(cli|publisher-program)\\.ts$',
      },
      to: { path: '^component/(commands/|device-program\\.ts$)' },
    },
    {
      name: 'product-never-imports-tests-or-scripts',
      comment: 'Tests and scripts do not ship.',
      severity: 'error',
      from: { path: '^(component|native|local-server|cloud-publisher)/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'no-cycle',
      comment: 'No two files import each other, directly or around.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'A file that imports nothing and that nothing imports is forgotten.',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '\\.node$', '^scripts/'] },
      to: {},
    },
    {
      name: 'no-unresolvable',
      comment: 'The imported file or package does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\.node$' },
    },
    {
      name: 'no-dev-dependency-in-product',
      comment: 'What ships imports only `dependencies` of package.json.',
      severity: 'error',
      from: {
        path: '^(component|native|local-server|cloud-publisher)/',
        pathNot: '(^|/)build\\.mjs$|^native/test/',
      },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: '^(node_modules|build|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    reporterOptions: { text: { highlightFocused: false } },
  },
};
