import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { Fd, onReadable, pidfdOpen, pidfdSendSignal, waitid, type Program } from '@ctr/linux'
import type { Stdio } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { Config } from '../config/config.js'
import { cgroupsOf } from './cgroup-folders.js'
import { commonRequest, explainFailure, makeFolders, openFolders } from './common-request.js'
import { CriuRequestType, type CriuCgroupRoot } from './criu-messages.js'
import { CriuSession, type CriuNotification } from './criu-session.js'
import { checkVersion } from './criu-version.js'
import { inheritStreams, readDescriptors } from './descriptors.js'
import { externalSources } from './external-mounts.js'
import { openNamespaces } from './external-namespaces.js'
import { checkOptions, type RestoreOptions } from './options.js'
import { restoreRoot } from './restore-root.js'

/** What a container is restored with. */
export interface RestoreContainer {
  readonly config: Config
  /** What relative paths in the config begin at, absolute. */
  readonly bundle: string
  /** The root file system on the host, absolute. */
  readonly rootfs: string
  /** A folder of the container's state on the host: CRIU's root is mounted below it while it works. */
  readonly folder: string
  /** What takes the place of the pipes that the container had as standard streams. Default: nothing. */
  readonly stdio?: readonly [RestoredStdio, RestoredStdio, RestoredStdio] | undefined
  /** Adds joining the container's cgroups, which exist by then. CRIU, and so what it restores, is in them. */
  readonly joinCgroups?: ((program: Program) => void) | undefined
  /** Called when the namespaces are made and nothing is in them yet: hooks that set up the network. */
  readonly onNamespaces?: ((pid: number) => void | Promise<void>) | undefined
  /** Takes the other end of the container's terminal; the descriptor is closed after the call. */
  readonly onConsole?: ((terminal: number) => void | Promise<void>) | undefined
}

/** A descriptor of ours, or our own stream. */
export type RestoredStdio = Exclude<Stdio, 'pipe'>

/** A restored container, which runs. */
export interface RestoredContainer {
  /** Its first process: a child of this process, for `waitid`. */
  readonly pid: number
  /** Its standard streams, for a later checkpoint. */
  readonly externalDescriptors: readonly string[]
}

const { SIGKILL } = constants.signals
const logFile = 'restore.log'

/**
 * Restores a container from images that `checkpoint` made. Its processes go on where they were.
 *
 * @throws {@link RuntimeError}
 *   - `ERR_RUNTIME_INVALID_ARG`: options that do not fit together.
 *   - `ERR_RUNTIME_CRIU`: CRIU is not installed, or is too old.
 *   - `ERR_RUNTIME_CHECKPOINT`: CRIU failed, and nothing is left; the message quotes its log.
 */
export async function restore(
  container: RestoreContainer,
  options: RestoreOptions,
): Promise<RestoredContainer> {
  checkOptions(options)
  const { config, bundle, rootfs, stdio, joinCgroups } = container
  if (statSync(options.imagePath, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new RuntimeError(
      'ERR_RUNTIME_CHECKPOINT',
      `cannot restore from ${options.imagePath}: there is no such folder`,
    )
  }
  makeFolders(options)
  using namespaces = openNamespaces(config)
  using root = mountPoint(join(container.folder, 'criu-root'))
  let first = 0
  try {
    await using criu = await CriuSession.start({
      stdio,
      fds: namespaces.fds,
      before: joinCgroups,
      mounts: restoreRoot(rootfs, root.path, config.mounts ?? [], bundle),
    })
    // CRIU mounts in the folder of its logs, so it has to be one of its own mount namespace
    using folders = openFolders(options, `/proc/${criu.pid}/root`)
    const externalDescriptors = readDescriptors(criu.pid)
    await checkVersion(criu)
    const opts = {
      ...commonRequest(config, options, folders, logFile),
      root: root.path,
      evasive_devices: true,
      rst_sibling: true, // a child of ours, not of CRIU
      lsm_profile: options.lsmProfile,
      lsm_mount_context: options.lsmMountContext,
      cg_root: cgroupRoots(criu.pid),
      join_ns: namespaces.joins,
      inherit_fd: [...namespaces.inherited, ...inheritStreams(options.imagePath)],
      ext_mnt: externalSources(config, rootfs, bundle, criu.pid),
    }
    const { restore: restored } = await criu.request(
      { type: CriuRequestType.RESTORE, opts },
      (notification) => {
        first = notification.pid || first
        return answer(notification, container)
      },
    )
    return { pid: restored?.pid ?? first, externalDescriptors }
  } catch (error) {
    if (first !== 0) await reap(first)
    throw explainFailure(error, 'restore the container', options, logFile)
  }
}

async function answer({ script, pid, fds }: CriuNotification, container: RestoreContainer): Promise<void> {
  const [terminal] = fds
  if (script === 'setup-namespaces') await container.onNamespaces?.(pid)
  if (script === 'orphan-pts-master' && terminal !== undefined) await container.onConsole?.(terminal)
}

/** CRIU kills what it could not restore, but its first process is a child of ours. */
async function reap(pid: number): Promise<void> {
  using pidfd = new Fd(pidfdOpen(pid))
  pidfdSendSignal(pidfd.number, SIGKILL)
  await new Promise<void>((resolve) => onReadable(pidfd.number, resolve))
  waitid(pidfd.number)
}

/** The cgroups that CRIU is in, as those that the restored ones belong below. */
function cgroupRoots(pid: number): CriuCgroupRoot[] {
  return cgroupsOf(pid).flatMap(({ controllers, path }) => controllers.map((ctrl) => ({ ctrl, path })))
}

function mountPoint(path: string): { readonly path: string } & Disposable {
  mkdirSync(path, { recursive: true })
  return { path, [Symbol.dispose]: () => rmdirSync(path) }
}
