import { constants, fstatSync } from 'node:fs'
import { makedev } from '@ctr/linux'
import type { Gate, SpawnOptions, Stdio } from '@ctr/namespaces'
import type { Bundle } from './bundle.js'
import type { OciContext } from './context.js'
import { idMapsOf, keepsGroups, makesNew, namespacesOf, hasOwn } from './namespaces.js'
import { timeOffsetsOf } from './process/time-offsets.js'
import { processPieces } from './process-pieces.js'
import type { PreparedSeccomp } from './seccomp.js'
import type { CgroupView } from './setup/cgroup-mount.js'
import type { SetupPlan } from './setup/plan.js'
import { loopbackUp } from '../setup/network.js'
import { consoleOf } from './setup/console.js'
import { setUpInOurs } from './setup/set-up-in-ours.js'
import { setUp } from './setup/setup.js'

/** Everything that the first process of a container is given of ours. */
export interface InitResources {
  readonly id: string
  readonly env: Readonly<Record<string, string>>
  readonly plan: SetupPlan | undefined
  readonly cgroupFds: readonly number[]
  /** v2 cgroup folder that it begins in. */
  readonly cgroup: number | undefined
  readonly cgroups: CgroupView
  readonly consoleSocket: number | undefined
  /** Our side of the terminal comes to us, not to a socket of the caller. */
  readonly terminalIsOurs?: boolean
  readonly seccomp: PreparedSeccomp['credentials']
  readonly gate: Gate | undefined
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  readonly preserveFds: readonly number[]
  readonly keyring: boolean
  readonly noPivot: boolean
  /** Called while the child waits in its namespaces, with its mounts in place. */
  readonly meanwhile: ((pid: number) => Promise<void>) | undefined
}

/** Says how `spawn` is to start the first process of a container. */
export function initOptions(
  { log }: Pick<OciContext, 'log'>,
  { config, rootfs }: Bundle,
  resources: InitResources,
): SpawnOptions {
  const { linux, process, hostname, domainname } = config
  const { plan, consoleSocket } = resources
  const { keepProc, ...pieces } = processPieces({
    process,
    id: resources.id,
    userNamespace: hasOwn(linux, 'user'),
    keepGroups: keepsGroups(config, process.user),
    cgroupFds: resources.cgroupFds,
    keyring: resources.keyring,
    joins: false,
    personality: linux?.personality,
    memoryPolicy: linux?.memoryPolicy,
    log,
  })
  const console =
    consoleSocket === undefined
      ? undefined
      : consoleOf(process, { socket: consoleSocket, ours: resources.terminalIsOurs === true })
  return {
    ...pieces,
    ...resources.seccomp,
    command: process.args.length === 0 ? ['/'] : process.args, // without a command it is never started
    env: resources.env,
    cwd: process.cwd,
    namespaces: namespacesOf(linux),
    ...(makesNew(linux, 'user')
      ? { idMaps: idMapsOf(linux?.uidMappings ?? [], linux?.gidMappings ?? []) }
      : {}),
    ...(linux?.timeOffsets === undefined ? {} : { timeOffsets: timeOffsetsOf(linux.timeOffsets) }),
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(domainname === undefined || domainname === '' ? {} : { domainname }),
    session: true,
    cgroup: resources.cgroup,
    stdio: consoleSocket === undefined ? resources.stdio : ['ignore', 'ignore', 'ignore'],
    preserveFds: resources.preserveFds,
    gate: resources.gate,
    meanwhile: resources.meanwhile,
    prepareFds: [...(plan?.fds ?? []), ...(consoleSocket === undefined ? [] : [consoleSocket])],
    prepare: (program, pause) => {
      if (makesNew(linux, 'network')) loopbackUp(program)
      if (plan === undefined) {
        setUpInOurs(program, resources.meanwhile === undefined ? () => undefined : pause, {
          console,
          rootfs,
        })
        return
      }
      setUp(program, resources.meanwhile === undefined ? undefined : pause, {
        config,
        rootfs,
        plan,
        cgroups: resources.cgroups,
        nullStreams: consoleSocket === undefined ? nullStreams(resources.stdio) : [],
        console,
        noPivot: resources.noPivot,
        keepProc,
      })
    },
  }
}

/** Standard streams that lead to the host's `/dev/null`. */
function nullStreams(stdio: readonly [Stdio, Stdio, Stdio]): number[] {
  return [0, 1, 2].filter((target) => {
    const stream = stdio[target]!
    if (stream === 'ignore') return true
    if (stream === 'pipe') return false
    const { mode, rdev } = fstatSync(stream === 'inherit' ? target : stream)
    return (mode & constants.S_IFMT) === constants.S_IFCHR && rdev === makedev(1, 3)
  })
}
