import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs'
import { CLONE_NEWNET } from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { Config } from '../config/config.js'
import { describeLog } from './criu-log.js'
import { CriuCgroupMode, CriuNetworkLock, type CriuOptions } from './criu-messages.js'
import { CriuFailure } from './criu-session.js'
import type { CriuCommonOptions } from './options.js'

/** Folders of a request, open for CRIU, which opens them again through us. */
export interface OpenFolders extends Disposable {
  readonly images_dir_fd: number
  readonly work_dir_fd: number
}

/** Makes the folders of images and logs. */
export function makeFolders({ imagePath, workPath = imagePath }: CriuCommonOptions): void {
  for (const path of [imagePath, workPath]) mkdirSync(path, { recursive: true, mode: 0o700 })
}

/**
 * Opens the folders of images and logs.
 *
 * @param root - Where the paths begin: `/proc/PID/root` for descriptors of another mount namespace.
 */
export function openFolders({ imagePath, workPath = imagePath }: CriuCommonOptions, root = ''): OpenFolders {
  const images = openSync(`${root}${realpathSync(imagePath)}`, 'r')
  try {
    const work = openSync(`${root}${realpathSync(workPath)}`, 'r')
    return {
      images_dir_fd: images,
      work_dir_fd: work,
      [Symbol.dispose]() {
        closeSync(images)
        closeSync(work)
      },
    }
  } catch (error) {
    closeSync(images)
    throw error
  }
}

/** The part of a request that checkpoint and restore have in common. */
export function commonRequest(
  config: Config,
  options: CriuCommonOptions,
  folders: OpenFolders,
  logFile: string,
): CriuOptions {
  const { manageCgroupsMode = 'default', networkLock, emptyNs = ['network'] } = options
  return {
    images_dir_fd: folders.images_dir_fd,
    work_dir_fd: folders.work_dir_fd,
    log_level: 4,
    log_file: logFile,
    config_file: configFile(config),
    notify_scripts: true,
    orphan_pts_master: true,
    manage_cgroups: true,
    manage_cgroups_mode: CriuCgroupMode[manageCgroupsMode],
    network_lock: networkLock === undefined ? undefined : CriuNetworkLock[networkLock],
    empty_ns: emptyNs.includes('network') ? CLONE_NEWNET : 0,
    tcp_established: options.tcpEstablished,
    tcp_close: options.tcpClose,
    ext_unix_sk: options.externalUnixSockets,
    shell_job: options.shellJob,
    file_locks: options.fileLocks,
    auto_dedup: options.autoDedup,
    lazy_pages: options.lazyPages,
  }
}

/**
 * A file of CRIU options that win over those of a request; one that does not exist does nothing. The annotation
 * `org.criu.config` names another one than those of crun or runc, or none when it is empty.
 */
function configFile({ annotations }: Config): string | undefined {
  const path = annotations?.['org.criu.config'] ?? hostFiles.find((file) => existsSync(file))
  return path === '' ? undefined : path
}

/** What the administrator has for other runtimes; the first one that there is counts, as for crun. */
const hostFiles = ['/etc/criu/crun.conf', '/etc/criu/runc.conf']

/** Adds what CRIU's log says to a failure of CRIU; other errors are returned as they are. */
export function explainFailure(
  error: unknown,
  action: string,
  { imagePath, workPath = imagePath }: CriuCommonOptions,
  logFile: string,
): unknown {
  if (!(error instanceof CriuFailure)) return error
  return new RuntimeError(
    'ERR_RUNTIME_CHECKPOINT',
    `cannot ${action}: ${error.message}; ${describeLog(workPath, logFile, error.firstError)}`,
    { cause: error },
  )
}
