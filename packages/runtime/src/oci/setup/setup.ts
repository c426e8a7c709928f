import { readFileSync } from 'node:fs'
import type { Program, Ref } from '@ctr/linux'
import type { Config } from '../config/config.js'
import { openProc } from '../process/proc.js'
import { setSysctls } from '../process/sysctl.js'
import { makeFolder, type Descriptor } from './attach.js'
import { attachCgroups, makeCgroups, type CgroupView } from './cgroup-mount.js'
import { openConsole, type Console } from '@ctr/namespaces'
import { mountConsole } from './console.js'
import { makeDeviceLinks, makeDevices } from './devices.js'
import { attachMount, finishMount, makeMount } from './mounts.js'
import { openNullStreams } from './null-streams.js'
import { makeMasks, maskPaths, readOnlyPaths } from './paths.js'
import type { PlannedMount, SetupPlan } from './plan.js'
import { attachRoot, changeRoot, finishRoot, moveRoot, wholeMountsOf } from './root.js'

/** Everything that the process of a container sees. Plain data; nothing is done yet. */
export interface Setup {
  readonly config: Config
  /** Absolute path of the root file system. */
  readonly rootfs: string
  readonly plan: SetupPlan
  readonly cgroups: CgroupView
  readonly console: Console | undefined
  /** Standard streams that lead to the host's `/dev/null`, and shall lead to the container's own. */
  readonly nullStreams: readonly number[]
  /** Move the root rather than pivot to it. */
  readonly noPivot: boolean
  /** Keeps the child's own procfs for its second program. */
  readonly keepProc: (program: Program, proc?: Ref) => void
}

/**
 * Adds the set-up of a container to the program of its child, which is in its namespaces by then. Paths of the
 * container were resolved when it was planned. Here they are opened below the descriptor of its root, without
 * following links, and mounts are attached to the descriptors that this gives: no link of an image, and nobody who
 * changes one meanwhile, can lead a mount, a node or a file elsewhere.
 *
 * @param pause - Adds the pause in which hooks of the runtime are run, where there are any.
 */
export function setUp(program: Program, pause: (() => void) | undefined, setup: Setup): void {
  const { config, rootfs, plan } = setup
  program.step('set the mode mask').call('umask', [0])
  const turns = plan.mounts.map((planned) => prepare(program, planned, setup))
  const masks = makeMasks(program, plan.masked)
  attachRoot(program, plan.root, rootfs)
  let root: Descriptor = plan.root
  const attached = turns.map((attach, index) => {
    const mounted = attach(root)
    // what is mounted over the root is the root of all that comes later
    if (mounted !== undefined && plan.mounts[index]!.place.path === '/') root = mounted
    return mounted
  })
  if (plan.ownDev) {
    makeDevices(program, root, plan.devices)
    makeDeviceLinks(program, root)
    openNullStreams(program, root, setup.nullStreams)
  }
  if (setup.console !== undefined) openTerminal(program, root, setup.console, plan.ownDev)
  program.step(`make ${plan.cwd.path}`)
  makeFolder(program, root, plan.cwd)
  pause?.()
  const sysctls = config.linux?.sysctl ?? {}
  const wantsProc = Object.keys(sysctls).length > 0
  const whole = wantsProc && pause === undefined ? wholeProc(plan.mounts, attached) : undefined
  const own = wantsProc && whole === undefined ? openProc(program) : undefined
  const proc = whole ?? own
  if (proc !== undefined) setSysctls(program, sysctls, proc)
  setup.keepProc(program, own)
  if (setup.noPivot)
    moveRoot(program, root, wholeMountsOf(readFileSync('/proc/self/mountinfo', 'utf8'), rootfs))
  else changeRoot(program, root)
  plan.mounts.forEach((planned, index) => {
    const mounted = attached[index]
    if (mounted !== undefined) finishMount(program, planned, mounted)
  })
  readOnlyPaths(program, root, config.linux?.readonlyPaths ?? [])
  maskPaths(program, root, masks)
  finishRoot(program, root, {
    readonly: config.root.readonly ?? false,
    propagation: config.linux?.rootfsPropagation,
  })
}

/**
 * The container's own procfs as long as nobody but us has seen it: nothing is mounted in it, and it shows all. Closing
 * one that was never attached costs more than all that is written to it.
 */
function wholeProc(
  mounts: readonly PlannedMount[],
  attached: readonly (Descriptor | undefined)[],
): Descriptor | undefined {
  const index = mounts.findLastIndex(({ place }) => place.path === '/proc')
  const { making } = mounts[index] ?? {}
  if (making?.how !== 'new' || making.type !== 'proc' || making.parameters.length > 0) return undefined
  return mounts.some(({ place }) => place.path.startsWith('/proc/')) ? undefined : attached[index]
}

/** Makes a mount as far as it can be before the root is there. */
function prepare(
  program: Program,
  planned: PlannedMount,
  { cgroups }: Setup,
): (root: Descriptor) => Descriptor | undefined {
  if (planned.making.how === 'cgroup') {
    const made = makeCgroups(program, planned, cgroups)
    return (root) => {
      attachCgroups(program, root, planned, made)
      return undefined
    }
  }
  const made = makeMount(program, planned)
  return (root) => attachMount(program, root, made)
}

function openTerminal(program: Program, root: Descriptor, console: Console, hasOwnDev: boolean): Ref {
  const slave = openConsole(program, root, console)
  if (hasOwnDev) mountConsole(program, root, slave)
  return slave
}
