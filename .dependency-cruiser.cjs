// The layers of docs/architecture.md, held by a rule: a package imports only packages below it,
// siblings never import each other, and only @ctr/linux knows koffi.
const siblings = ['namespaces', 'cgroups', 'overlay', 'netbridge', 'registry']
const above = ['runtime', 'engine', 'cli']

const pkg = (name) => `^packages/${name}/`

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'linux-is-the-floor',
      severity: 'error',
      from: { path: pkg('linux') },
      to: { path: `^packages/(${[...siblings, ...above].join('|')})/` },
    },
    ...siblings.map((name) => ({
      name: `siblings-apart-${name}`,
      severity: 'error',
      from: { path: pkg(name) },
      to: { path: `^packages/(${[...siblings.filter((other) => other !== name), ...above].join('|')})/` },
    })),
    {
      name: 'registry-knows-no-system-call',
      severity: 'error',
      from: { path: pkg('registry') },
      to: { path: pkg('linux') },
    },
    {
      name: 'runtime-below-engine-and-cli',
      severity: 'error',
      from: { path: pkg('runtime') },
      to: { path: '^packages/(engine|cli)/' },
    },
    {
      name: 'engine-below-cli',
      severity: 'error',
      from: { path: pkg('engine') },
      to: { path: pkg('cli') },
    },
    {
      name: 'koffi-only-in-linux',
      severity: 'error',
      from: { pathNot: pkg('linux') },
      to: { path: 'node_modules/koffi' },
    },
    {
      name: 'roots-only',
      comment: 'another package is imported by its name or one of its exports, never by a path into it',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/([^/]+)/src/(?!index\\.ts$|systemd/index\\.ts$)', pathNot: '^packages/$1/' },
    },
    {
      name: 'sources-without-test-support',
      severity: 'error',
      from: { path: '^packages/(?!testing)[^/]+/src/', pathNot: '\\.test\\.ts$' },
      to: { path: pkg('testing') },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['@ctr/source', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
}
