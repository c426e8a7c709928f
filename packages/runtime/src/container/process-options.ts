import { PR_SET_DUMPABLE } from '@ctr/linux'
import type { SpawnOptions, Stdio } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { labelPieces } from '../oci/process/labels.js'
import { INIT_PATH } from '../sandbox/init-program.js'
import { rlimitsOf } from '../sandbox/sandbox-options.js'
import type { SharedNamespaces } from '../sandbox/shared-namespaces.js'
import { setUpContainer, type ContainerSetup } from '../setup/container-setup.js'
import { joinCgroup } from '../setup/join-cgroup.js'
import type { Terminal } from '../setup/terminal.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'
import type { ContainerRecord } from './record.js'
import { seccompOf } from './seccomp.js'
import type { ContainerSpec } from './spec.js'

/** Credentials of the container's programs, the first one and those that are executed later. */
export function credentialsOf(
  context: Context,
  record: ContainerRecord,
): Pick<
  SpawnOptions,
  'user' | 'capabilities' | 'noNewPrivileges' | 'seccomp' | 'seccompFlags' | 'rlimits' | 'oomScoreAdj'
> {
  const { user, capabilities, noNewPrivileges, rlimits, oomScoreAdj } = record
  return {
    user,
    capabilities,
    noNewPrivileges,
    rlimits: rlimitsOf(rlimits),
    oomScoreAdj: oomScoreAdj ?? undefined,
    ...seccompOf(context, record),
  }
}

/** How the first process of a container is started. */
export function processOptions(
  context: Context,
  { record, options }: Pick<ContainerSpec, 'record' | 'options'>,
  setup: ContainerSetup,
  resources: {
    /** The user namespace that was made for it. */
    readonly userns: Pick<ContainerUserNamespace, 'fd' | 'ids'> | undefined
    /** The user namespace that the root of an ordinary user's container was mounted in. */
    readonly joined?: number | undefined
    readonly shared: Pick<SharedNamespaces, 'sources'>
    readonly netns: number | undefined
    readonly terminal: Pick<Terminal, 'slave'> | undefined
    readonly stdio: readonly [Stdio, Stdio, Stdio]
    readonly joinFds: readonly number[]
    /** Called while the child of an ordinary user waits, all set up. */
    readonly begin?: (pid: number) => Promise<void>
  },
): SpawnOptions {
  const { mode } = record.network
  const { rootless } = context
  const { userns, joined } = resources
  const { keepProc, ...labels } = labelPieces(record)
  return {
    command: options.init === true ? [INIT_PATH, '--', ...record.command] : record.command,
    env: record.env,
    cwd: record.cwd,
    namespaces: {
      ...(rootless === undefined ? {} : { user: joined === undefined ? ('new' as const) : { fd: joined } }),
      ...(userns === undefined ? {} : { user: { fd: userns.fd } }),
      mount: 'new',
      ...resources.shared.sources,
      ...(['host', 'bridge', 'container'].includes(mode) ? {} : { network: 'new' as const }),
      ...(resources.netns === undefined ? {} : { network: { fd: resources.netns } }),
    },
    idMaps: joined === undefined ? rootless?.ids.maps : undefined,
    ...(options.uts === 'host' ? {} : { hostname: record.hostname, domainname: options.domainname }),
    stdio: resources.stdio,
    pipeOwner: userns?.ids.outside(record.user),
    terminal: resources.terminal?.slave,
    ...credentialsOf(context, record),
    ...labels,
    before: (program) => joinCgroup(program, resources.joinFds),
    prepareFds: [
      'mount' in setup.root ? setup.root.mount : 'given' in setup.root ? setup.root.given : undefined,
      setup.devpts,
      typeof setup.sharedMemory === 'number' ? setup.sharedMemory : undefined,
      ...setup.binds.map(({ mount }) => mount),
    ].filter((fd) => fd !== undefined),
    ...(rootless === undefined ? {} : { meanwhile: resources.begin }),
    prepare: (program, pause) => {
      keepProc(program)
      setUpContainer(program, setup)
      if (rootless === undefined) return
      // whoever connects its network must be able to open its namespaces; nobody else is in there yet
      program.call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
      pause()
      program.step('protect the process').call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
    },
  }
}
