import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { posix } from 'node:path'
import {
  Fd,
  isSyscallError,
  O_DIRECTORY,
  O_CLOEXEC,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  syscallOr,
} from '@ctr/linux'
import { passwdEntries } from '../../user/account-files.js'
import type { ConfigMount } from '../config/config.js'

/** Where a container's files are seen from here. */
export interface ContainerFiles {
  /** Folder of the root file system, `/proc/PID/root` for a container that runs. */
  readonly root: string
  /** Mounts that are not there yet: a bind over `/etc` or `/etc/passwd` counts. */
  readonly mounts?: readonly ConfigMount[] | undefined
  /** What sources of binds are relative to. */
  readonly bundle?: string | undefined
}

/** Beyond it the text of an `/etc/passwd` is not looked at. */
const MAX_PASSWD = 1024 ** 2

/**
 * Home directory of a user by the container's `/etc/passwd`, `/` for one that is not in it. The file may be anything:
 * links in it lead nowhere out of the container, and what is no regular file is not opened.
 */
export function homeIn(files: ContainerFiles, uid: number): string {
  const { root, path } = whereIsPasswd(files)
  for (const entry of passwdEntries(readWithin(root, path))) {
    if (entry.uid === uid) return entry.home === '' || entry.home.includes('\0') ? '/' : entry.home
  }
  return '/'
}

function whereIsPasswd({ root, mounts = [], bundle = '/' }: ContainerFiles): { root: string; path: string } {
  const over = mounts.findLast(({ type, source, destination, options = [] }) => {
    const bind = type === 'bind' || options.includes('bind') || options.includes('rbind')
    const target = posix.join('/', destination)
    return bind && source !== undefined && (target === '/etc' || target === '/etc/passwd')
  })
  if (over?.source === undefined) return { root, path: 'etc/passwd' }
  const source = posix.resolve(bundle, over.source)
  if (posix.join('/', over.destination) === '/etc') return { root: source, path: 'passwd' }
  return { root: posix.dirname(source), path: posix.basename(source) }
}

const asItIs = openHow({
  flags: O_PATH + O_CLOEXEC,
  resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS,
})

/** Text of a regular file below `root`, nothing when there is none. */
function readWithin(root: string, path: string): string {
  try {
    using folder = new Fd(openSync(root, O_PATH + O_DIRECTORY))
    // nothing is opened before it is known to be a regular file: opening a device or a FIFO has effects
    const opened = syscallOr(['ENOENT'], 'openat2', folder.number, path, asItIs, OPEN_HOW_SIZE)
    if (opened === 'ENOENT') return ''
    using found = new Fd(opened)
    if (!fstatSync(found.number).isFile()) return ''
    // whoever holds a lease on it would keep us waiting for 45 s
    const file = openSync(`/proc/self/fd/${found.number}`, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const text = Buffer.alloc(Math.min(fstatSync(file).size, MAX_PASSWD))
      return text.toString('utf8', 0, readSync(file, text, 0, text.length, 0))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isSyscallError(error) || (error as NodeJS.ErrnoException).code !== undefined) return ''
    throw error
  }
}
