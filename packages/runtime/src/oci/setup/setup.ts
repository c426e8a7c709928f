import { statSync } from 'node:fs'
import { posix } from 'node:path'
import {
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Program,
  type Ref,
} from '@ctr/linux'
import { makeFolders } from '../../setup/place.js'
import type { Config } from '../config/config.js'
import { openProc } from '../process/proc.js'
import { setSysctls } from '../process/sysctl.js'
import { mountConsole, openConsole, type Console } from './console.js'
import { devicesOf, makeDeviceLinks, makeDevices } from './devices.js'
import { attachCgroups, makeCgroups, type CgroupView } from './cgroup-mount.js'
import { attachMount, finishMount, makeMount, type MadeMount, type PlannedMount } from './mounts.js'
import { makeMasks, maskPaths, readOnlyPaths, type MaskedPath } from './paths.js'
import { attachRoot, changeRoot, finishRoot, moveRoot } from './root.js'
import type { MountSources } from './sources.js'

/** Everything that the process of a container sees. Plain data; nothing is done yet. */
export interface Setup {
  readonly config: Config
  /** Absolute path of the root file system. */
  readonly rootfs: string
  readonly sources: MountSources
  readonly mounts: readonly PlannedMount[]
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
 * container are resolved by openat2(2) below the descriptor of its root, without magic links, and mounts are
 * attached to the descriptors that this gives: no link of an image, and nobody who changes one meanwhile, can
 * lead a mount, a node or a file elsewhere.
 *
 * @param pause - Adds the pause in which hooks of the runtime are run.
 */
export function setUp(program: Program, pause: () => void, setup: Setup): void {
  const { config, rootfs, sources } = setup
  const { root } = sources
  program.step('set the mode mask').call('umask', [0])
  const made = setup.mounts.map((planned) =>
    isCgroup(planned)
      ? { planned, cgroups: makeCgroups(program, planned, setup.cgroups) }
      : makeMount(program, planned),
  )
  const masks = makeMasks(program, maskedPathsOf(config))
  attachRoot(program, root, rootfs)
  for (const each of made) {
    if ('cgroups' in each) attachCgroups(program, root, each.planned, each.cgroups)
    else attachMount(program, root, each)
  }
  if (needsDev(setup.mounts)) {
    makeDevices(program, root, devicesOf(config.linux?.devices), sources.devices)
    makeDeviceLinks(program, root)
  }
  openNullStreams(program, root, setup.nullStreams)
  if (setup.console !== undefined) openTerminal(program, root, setup.console, needsDev(setup.mounts))
  const cwd = config.process?.cwd ?? '/'
  program.step(`make ${cwd}`)
  makeFolders(program, root, cwd)
  pause()
  const sysctls = config.linux?.sysctl ?? {}
  const proc = Object.keys(sysctls).length === 0 ? undefined : openProc(program)
  if (proc !== undefined) setSysctls(program, sysctls, proc)
  setup.keepProc(program, proc)
  if (setup.noPivot) moveRoot(program, root, rootfs)
  else changeRoot(program, root)
  for (const each of made) if (!('cgroups' in each)) finishMount(program, each)
  readOnlyPaths(program, root, config.linux?.readonlyPaths ?? [])
  maskPaths(program, root, masks)
  finishRoot(program, root, {
    readonly: config.root.readonly ?? false,
    propagation: config.linux?.rootfsPropagation,
  })
}

function openTerminal(program: Program, root: number, console: Console, hasOwnDev: boolean): Ref {
  const slave = openConsole(program, root, console)
  if (hasOwnDev) mountConsole(program, root, slave)
  return slave
}

/** False where the container is given a `/dev` of the host, in which nothing may be made. */
export function needsDev(mounts: readonly PlannedMount[]): boolean {
  return !mounts.some(
    ({ mount, options }) => options.bind !== false && posix.resolve('/', mount.destination) === '/dev',
  )
}

function isCgroup({ mount }: PlannedMount): boolean {
  return mount.type === 'cgroup' || mount.type === 'cgroup2'
}

export type { MadeMount }

/** What of the kernel's own file systems a path is, the host's `/proc` and `/sys` tell. */
export function maskedPathsOf({ linux, mounts = [] }: Config): readonly MaskedPath[] {
  const own = mounts
    .filter(({ type }) => type === 'proc' || type === 'sysfs')
    .map(({ destination }) => posix.resolve('/', destination))
    .filter((folder) => folder === '/proc' || folder === '/sys')
  return (linux?.maskedPaths ?? []).map((path) => {
    const found = own.some((folder) => path.startsWith(`${folder}/`))
      ? statSync(path, { throwIfNoEntry: false })
      : undefined
    return { path, kind: found === undefined ? undefined : found.isDirectory() ? 'folder' : 'file' }
  })
}

/** A checkpoint knows only files of the container, so its streams must be. What is not there stays the host's. */
function openNullStreams(program: Program, root: Ref | number, streams: readonly number[]): void {
  if (streams.length === 0) return
  program.step('open /dev/null of the container')
  const how = openHow({
    flags: O_RDWR + O_NOCTTY + O_NONBLOCK + O_CLOEXEC,
    resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_SYMLINKS,
  })
  const tolerate = ['ENOENT', 'EACCES', 'ENXIO', 'ELOOP']
  const nul = program.call('openat2', [root, '/dev/null', how, OPEN_HOW_SIZE], { tolerate })
  for (const fd of streams) program.call('dup3', [nul, fd, 0], { tolerate: ['EBADF'] })
  program.call('close', [nul], { tolerate: ['EBADF'] })
}
