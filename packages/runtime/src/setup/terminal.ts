import { fchownSync, openSync, statfsSync } from 'node:fs'
import {
  CLONE_NEWNS,
  CLONE_NEWUSER,
  executeInChild,
  Fd,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_PATH,
  O_RDWR,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  syscall,
  TIOCGPTPEER,
  TIOCSPTLCK,
} from '@ctr/linux'
import { openInside } from '@ctr/overlay'
import { RuntimeError } from '../errors.js'
import type { ContainerIds, HostOwner } from '../userns/container-ids.js'
import { setSize, TerminalStream, type TerminalSize } from './terminal-stream.js'
import { devptsAttributes, devptsParameters } from './devices.js'
import { newFileSystem } from './rootfs.js'

/** A user namespace with nobody in it who is not trusted. */
export interface TerminalNamespace {
  readonly fd: number
  readonly ids: ContainerIds
}

/** A pseudo-terminal whose `devpts` becomes the container's `/dev/pts`. */
export interface Terminal extends Disposable {
  /** Detached mount of the new `devpts`. */
  readonly mount: number
  /** Our side. */
  readonly master: number
  /** The container's side. */
  readonly slave: number
  /** Our side as a stream, which from then on is the caller's: reads what the container prints, writes its input. */
  takeStream(): TerminalStream
}

/**
 * Opens a terminal in a new `devpts` instance, before the container has it: both sides are ours from the start
 * and nothing inside can stand in for `/dev/ptmx` or `/dev/console`.
 *
 * @param within - The user namespace that the devpts belongs to; default ours.
 * @param owner - Whose the container's side is to be, by ids of ours; default ours.
 */
export function openTerminal(
  size: TerminalSize | undefined,
  within?: TerminalNamespace,
  owner?: HostOwner,
): Terminal {
  const mount = new Fd(within === undefined ? makeDevpts() : makeDevptsIn(within))
  try {
    return { ...openPair(mount.number, { size, owner }, mount), mount: mount.number }
  } catch (error) {
    mount.close()
    throw error
  }
}

/**
 * Opens a terminal in the `devpts` of a running container.
 *
 * @param pid - A process of the container.
 * @param options - `owner`: whose the container's side is to be, by ids of ours; default ours. `userNamespace`: where
 *   only its members can come to the container's files.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: what is at `/dev/pts` inside is no devpts any more.
 */
export function openTerminalIn(
  pid: number,
  size: TerminalSize | undefined,
  {
    owner,
    userNamespace,
  }: { readonly owner?: HostOwner | undefined; readonly userNamespace?: number | undefined } = {},
): Omit<Terminal, 'mount'> {
  using root = new Fd(openSync(`/proc/${pid}/root`, O_PATH + O_DIRECTORY + O_CLOEXEC))
  const how = { flags: O_PATH + O_DIRECTORY, resolve: RESOLVE_IN_ROOT + RESOLVE_NO_SYMLINKS }
  using pts = new Fd(
    userNamespace === undefined
      ? openat2(root.number, 'dev/pts', how)
      : openInside(root.number, 'dev/pts', how.flags, userNamespace),
  )
  if (statfsSync(`/proc/self/fd/${pts.number}`).type !== DEVPTS_SUPER_MAGIC) {
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      'cannot open a terminal in the container: its /dev/pts is no devpts',
    )
  }
  return openPair(pts.number, { size, owner })
}

const DEVPTS_SUPER_MAGIC = 0x1cd1

/** Opens both sides of a new terminal of a devpts. */
function openPair(
  devpts: number,
  { size, owner }: { readonly size: TerminalSize | undefined; readonly owner: HostOwner | undefined },
  owned?: Fd,
): Omit<Terminal, 'mount'> {
  const master = new Fd(openSync(`/proc/self/fd/${devpts}/ptmx`, O_RDWR + O_NOCTTY + O_CLOEXEC))
  try {
    syscall('ioctl', master.number, TIOCSPTLCK, Buffer.alloc(4))
    const slave = new Fd(syscall('ioctl', master.number, TIOCGPTPEER, O_RDWR + O_NOCTTY + O_CLOEXEC))
    // the group stays that of terminals
    if (owner !== undefined) fchownSync(slave.number, owner.uid, -1)
    if (size !== undefined) setSize(master.number, size)
    let taken = false
    return {
      master: master.number,
      slave: slave.number,
      takeStream() {
        taken = true
        return new TerminalStream(master.release())
      },
      [Symbol.dispose]() {
        slave.close()
        owned?.close()
        if (!taken) master.close()
      },
    }
  } catch (error) {
    master.close()
    throw error
  }
}

function makeDevpts(): number {
  using fs = new Fd(fsopen('devpts'))
  for (const [key, value] of devptsParameters(true)) {
    if (value === undefined) fsconfigFlag(fs.number, key)
    else fsconfigString(fs.number, key, value)
  }
  fsconfigCreate(fs.number)
  return fsmount(fs.number, devptsAttributes)
}

/** The same as root of a user namespace, by a child that shares our descriptors. */
function makeDevptsIn({ fd, ids }: TerminalNamespace): number {
  return executeInChild((program) => {
    program.step('enter the user namespace').call('setns', [fd, CLONE_NEWUSER])
    program.call('unshare', [CLONE_NEWNS])
    program.step('make a devpts')
    return newFileSystem(program, 'devpts', devptsParameters(ids.hasTerminalGroup), devptsAttributes)
  })
}
