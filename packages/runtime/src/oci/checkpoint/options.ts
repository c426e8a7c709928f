import { statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { RuntimeError } from '../../errors.js'

/** What CRIU does with cgroups: `'soft'` restores the properties of groups that it has to make itself. */
export type ManageCgroupsMode = 'soft' | 'full' | 'strict' | 'ignore'

/** How CRIU stops packets of connections while it works: a firewall rule, or not at all. */
export type NetworkLock = 'iptables' | 'nftables' | 'skip'

/** What checkpoint and restore have in common. See criu(8) for what the options mean in detail. */
export interface CriuCommonOptions {
  /** Folder of the images. Made when it is missing. */
  readonly imagePath: string
  /** Folder of the logs. Default: that of the images. */
  readonly workPath?: string | undefined
  /** Save, and bring back, TCP connections that are open. Without it a container that has any is refused. */
  readonly tcpEstablished?: boolean | undefined
  /** Restore TCP connections as closed ones. */
  readonly tcpClose?: boolean | undefined
  /** Allow unix sockets whose other end is outside of the container. */
  readonly externalUnixSockets?: boolean | undefined
  /** The container's terminal is that of our session. */
  readonly shellJob?: boolean | undefined
  /** Save and bring back file locks. Without it a container that has any is refused. */
  readonly fileLocks?: boolean | undefined
  /** Default `'soft'`. */
  readonly manageCgroupsMode?: ManageCgroupsMode | undefined
  /**
   * Namespaces that are restored empty, without what was set up in them. Default `['network']`: whoever made the
   * network of a container sets it up again.
   */
  readonly emptyNs?: readonly 'network'[] | undefined
  /** Free space of images as soon as their pages are in use or written once more. */
  readonly autoDedup?: boolean | undefined
  /** Serve memory pages when they are needed, through userfaultfd(2), with a page server. */
  readonly lazyPages?: boolean | undefined
  readonly networkLock?: NetworkLock | undefined
}

/** Options of a checkpoint. */
export interface CheckpointOptions extends CriuCommonOptions {
  /** Images of an earlier `preDump`, relative to `imagePath`: only pages that changed since are written. */
  readonly parentPath?: string | undefined
  /** Let the container go on afterwards. */
  readonly leaveRunning?: boolean | undefined
  /** Leave out TCP connections that are being made. */
  readonly tcpSkipInFlight?: boolean | undefined
  /** Files that were deleted and are still open may get a name again. */
  readonly linkRemap?: boolean | undefined
  /** Write memory only, and let the container go on. */
  readonly preDump?: boolean | undefined
  /** Send memory pages there instead of writing them. With `lazyPages`: where to listen. */
  readonly pageServer?: { readonly address: string; readonly port: number } | undefined
  /** Descriptor to write a NUL byte to, and to close, once pages can be fetched, with `lazyPages`. */
  readonly statusFd?: number | undefined
}

/** Options of a restore. */
export interface RestoreOptions extends CriuCommonOptions {
  /** LSM profile of the restored processes, `TYPE:NAME`. Default: the one that they had. */
  readonly lsmProfile?: string | undefined
  /** SELinux context of restored mounts. Default: the one that they had. */
  readonly lsmMountContext?: string | undefined
}

const modes: readonly string[] = ['soft', 'full', 'strict', 'ignore'] satisfies ManageCgroupsMode[]
const locks: readonly string[] = ['iptables', 'nftables', 'skip'] satisfies NetworkLock[]

/**
 * Checks options that come from a command line.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkOptions(options: CheckpointOptions & RestoreOptions): void {
  const { imagePath, manageCgroupsMode, networkLock, parentPath, emptyNs } = options
  if (imagePath === '') throw invalid('imagePath (--image-path) must not be empty')
  if (manageCgroupsMode !== undefined && !modes.includes(manageCgroupsMode)) {
    throw invalid(
      `manageCgroupsMode (--manage-cgroups-mode) must be one of ${modes.join(', ')}, got ${JSON.stringify(manageCgroupsMode)}`,
    )
  }
  if (networkLock !== undefined && !locks.includes(networkLock)) {
    throw invalid(
      `networkLock (--network-lock) must be one of ${locks.join(', ')}, got ${JSON.stringify(networkLock)}`,
    )
  }
  const foreign = emptyNs?.find((name) => (name as string) !== 'network')
  if (foreign !== undefined) {
    throw invalid(
      `emptyNs (--empty-ns): namespace ${JSON.stringify(foreign)} is not supported, only "network" is`,
    )
  }
  if (parentPath !== undefined) checkParent(imagePath, parentPath)
}

function checkParent(imagePath: string, parentPath: string): void {
  const value = `parentPath (--parent-path) ${JSON.stringify(parentPath)}`
  if (isAbsolute(parentPath)) throw invalid(`${value} must be relative to the folder of the images`)
  const folder = resolve(imagePath, parentPath)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalid(`${value} must be a folder, but ${folder} is none`)
  }
}

function invalid(why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', `cannot use options for CRIU: ${why}`)
}
