import { resolve } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  Fd,
  mountAttributes,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  syscall,
} from '@ctr/linux'
import type { Config, ConfigPropagation } from '../config/config.js'
import { hasOwn } from '../namespaces.js'
import { isReal, type Call } from './call.js'
import { IdmapNamespaces } from './idmap.js'
import { bindOf, type ParsedMount } from './mount-rules.js'
import { openTree, TREE } from './open-tree.js'
import { planDevices } from './plan-devices.js'
import { MountPlanner } from './plan-mount.js'
import type { MaskedPath, PlannedMount, SetupPlan } from './plan.js'
import { RootView } from './root-view.js'

/** Where the parts of a container are. */
export interface PlanOptions {
  /** Folder of the bundle, which relative sources are in. */
  readonly bundle: string
  /** Absolute path of the root file system, without links. */
  readonly rootfs: string
  readonly mounts: readonly ParsedMount[]
  /** Makes the system calls. Default: for real. */
  readonly call?: Call | undefined
}

/**
 * Opens the root file system and the sources of bind mounts as detached mounts (open_tree(2)), and finds out where in
 * the container everything goes. Sources are opened with the privileges of the caller, so that folders on the way need
 * not be open to the container's ids, and what is missing is an error before anything has been made.
 *
 * @returns undefined where the container is to be in our own mount namespace: nothing is mounted then.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`, `ERR_RUNTIME_CONFIG`: a source does not exist, a mount is refused.
 */
export async function planSetup(config: Config, options: PlanOptions): Promise<SetupPlan | undefined> {
  const { call = syscall, bundle, rootfs } = options
  const { linux } = config
  if (!hasOwn(linux, 'mount')) return undefined
  const opened: Fd[] = []
  const fds: number[] = []
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  const own = (fd: number): number => {
    if (isReal(call)) opened.push(new Fd(fd))
    return fd
  }
  const take = (fd: number): number => {
    fds.push(fd)
    return own(fd)
  }
  try {
    const base = basePropagation(linux?.rootfsPropagation)
    const root = take(openTree(call, rootfs, TREE + AT_RECURSIVE, 'the root file system'))
    // pivot_root(2) refuses a shared root: it becomes that at the end
    const propagation = base === MS_SHARED ? MS_SLAVE : base
    call('mount_setattr', root, '', AT_EMPTY_PATH + AT_RECURSIVE, mountAttributes({ propagation }), 32)
    const view = new RootView(rootfs)
    const planner = new MountPlanner({
      config,
      bundle,
      roots: [rootfs, resolve(bundle, config.root.path)],
      base,
      view,
      namespaces: new IdmapNamespaces(config, async (open) => (isReal(call) ? own(await open()) : 0)),
      call,
      take,
    })
    const mounts: PlannedMount[] = []
    for (const parsed of options.mounts) mounts.push(await planner.plan(parsed))
    const ownDev = hasOwnDev(options.mounts)
    return {
      root,
      mounts,
      ownDev,
      devices: ownDev ? planDevices(config, { view, call, take }) : [],
      masked: (linux?.maskedPaths ?? []).map((path) => maskedPath(view, path)),
      cwd: view.find(config.process?.cwd ?? '/'),
      fds,
      [Symbol.dispose]: close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** False where the container is given a `/dev` of the host, in which nothing may be made. */
function hasOwnDev(mounts: readonly ParsedMount[]): boolean {
  return !mounts.some(
    (parsed) => bindOf(parsed) !== false && resolve('/', parsed.mount.destination) === '/dev',
  )
}

function maskedPath(view: RootView, path: string): MaskedPath {
  if (view.lacks(path)) return { path, kind: 'missing' }
  const { kind } = view.find(path)
  return { path, kind: kind === 'folder' || kind === 'file' ? kind : undefined }
}

/**
 * `MS_*` that binds begin with, for the mounts below them, too: none of the host's that is shared stays so by
 * accident. Unbindable the root becomes last of all, copies of it are needed until then.
 */
function basePropagation(propagation: ConfigPropagation = 'rslave'): number {
  if (propagation.endsWith('shared')) return MS_SHARED
  return propagation.endsWith('slave') ? MS_SLAVE : MS_PRIVATE
}
