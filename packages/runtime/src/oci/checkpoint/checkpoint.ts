import { closeSync, fstatSync, writeSync } from 'node:fs'
import { RuntimeError } from '../../errors.js'
import type { Config } from '../config/config.js'
import {
  commonRequest,
  explainFailure,
  makeFolders,
  openFolders,
  type OpenFolders,
} from './common-request.js'
import { CriuRequestType, type CriuOptions } from './criu-messages.js'
import { CriuSession } from './criu-session.js'
import { checkFeature, checkVersion } from './criu-version.js'
import { readDescriptors, saveDescriptors } from './descriptors.js'
import { externalMountsOf } from './external-mounts.js'
import { externalNamespaces } from './external-namespaces.js'
import { checkOptions, type CheckpointOptions } from './options.js'

/** A running container. */
export interface CheckpointContainer {
  readonly config: Config
  /** Its root file system on the host, absolute. */
  readonly rootfs: string
  /** Its first process. */
  readonly pid: number
  /** Folder of its cgroup that has a freezer, absolute: of the v1 hierarchy of that name, or the v2 group. */
  readonly freezer?: string | undefined
  /** Its standard streams as `readDescriptors` named them when they were made. Default: read now. */
  readonly externalDescriptors?: readonly string[] | undefined
}

const logFile = 'dump.log'

/**
 * Saves a container with CRIU: all its processes with their memory, files, sockets and connections. Afterwards its
 * processes are gone, unless they are left running.
 *
 * @throws {@link RuntimeError}
 *   - `ERR_RUNTIME_INVALID_ARG`: options that do not fit together.
 *   - `ERR_RUNTIME_CRIU`: CRIU is not installed, is too old, or lacks a feature on this kernel.
 *   - `ERR_RUNTIME_CHECKPOINT`: CRIU failed, and the container goes on; the message quotes its log.
 * @see {@link https://criu.org/Main_Page}
 */
export async function checkpoint(container: CheckpointContainer, options: CheckpointOptions): Promise<void> {
  checkOptions(options)
  const { preDump = false, lazyPages = false, statusFd } = options
  if (lazyPages && statusFd !== undefined) checkStatusFd(statusFd)
  makeFolders(options)
  using folders = openFolders(options)
  try {
    await using criu = await CriuSession.start()
    await checkVersion(criu)
    if (preDump) await checkFeature(criu, 'mem_track')
    if (lazyPages) await checkFeature(criu, 'lazy_pages')
    const opts = request(container, options, folders)
    if (!preDump)
      saveDescriptors(options.imagePath, container.externalDescriptors ?? readDescriptors(container.pid))
    const type = preDump ? CriuRequestType.PRE_DUMP : CriuRequestType.DUMP
    await criu.request({ type, opts }, ({ script }) => {
      if (script === 'status-ready' && lazyPages && statusFd !== undefined) {
        writeSync(statusFd, new Uint8Array(1))
        closeSync(statusFd)
      }
    })
  } catch (error) {
    throw explainFailure(error, 'checkpoint the container', options, logFile)
  }
}

function request(
  container: CheckpointContainer,
  options: CheckpointOptions,
  folders: OpenFolders,
): CriuOptions {
  const { config, rootfs, pid, freezer } = container
  const { parentPath, pageServer, preDump = false } = options
  return {
    ...commonRequest(config, options, folders, logFile),
    pid,
    root: rootfs,
    leave_running: options.leaveRunning,
    tcp_skip_in_flight: options.tcpSkipInFlight,
    link_remap: options.linkRemap,
    freeze_cgroup: freezer,
    ps: pageServer,
    ...(parentPath === undefined ? {} : { parent_img: parentPath, track_mem: true }),
    external: externalNamespaces(config),
    ext_mnt: preDump ? [] : externalMountsOf(config, rootfs, pid),
  }
}

function checkStatusFd(fd: number): void {
  try {
    fstatSync(fd)
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot use statusFd (--status-fd) ${fd}: it is no open descriptor`,
      { cause },
    )
  }
}
