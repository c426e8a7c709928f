import { openSync, statfsSync } from 'node:fs'
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
import { RuntimeError } from '../errors.js'
import type { Rootless } from '../rootless/rootless.js'
import { setSize, TerminalStream, type TerminalSize } from './terminal-stream.js'
import { devptsAttributes, devptsParameters } from './devices.js'
import { newFileSystem } from './rootfs.js'

/** A pseudo-terminal whose `devpts` becomes the container's `/dev/pts`. */
export interface Terminal extends Disposable {
  /** Detached mount of the new `devpts`. */
  readonly mount: number
  /** The container's side. */
  readonly slave: number
  /** Our side as a stream, which from then on is the caller's: reads what the container prints, writes its input. */
  takeStream(): TerminalStream
}

/**
 * Opens a terminal in a new `devpts` instance, before the container has it: both sides are ours from the start
 * and nothing inside can stand in for `/dev/ptmx` or `/dev/console`.
 *
 * @param rootless - For an ordinary user, who may mount only in its own user namespace.
 */
export function openTerminal(size: TerminalSize | undefined, rootless?: Rootless): Terminal {
  const mount = new Fd(rootless === undefined ? makeDevpts() : makeDevptsIn(rootless))
  try {
    return { ...openPair(mount.number, size, mount), mount: mount.number }
  } catch (error) {
    mount.close()
    throw error
  }
}

/**
 * Opens a terminal in the `devpts` of a running container.
 *
 * @param pid - A process of the container.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: what is at `/dev/pts` inside is no devpts any more.
 */
export function openTerminalIn(pid: number, size: TerminalSize | undefined): Omit<Terminal, 'mount'> {
  using root = new Fd(openSync(`/proc/${pid}/root`, O_PATH + O_DIRECTORY + O_CLOEXEC))
  const how = { flags: O_PATH + O_DIRECTORY, resolve: RESOLVE_IN_ROOT + RESOLVE_NO_SYMLINKS }
  using pts = new Fd(openat2(root.number, 'dev/pts', how))
  if (statfsSync(`/proc/self/fd/${pts.number}`).type !== DEVPTS_SUPER_MAGIC) {
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      'cannot open a terminal in the container: its /dev/pts is no devpts',
    )
  }
  return openPair(pts.number, size)
}

const DEVPTS_SUPER_MAGIC = 0x1cd1

/** Opens both sides of a new terminal of a devpts. */
function openPair(devpts: number, size: TerminalSize | undefined, owned?: Fd): Omit<Terminal, 'mount'> {
  const master = new Fd(openSync(`/proc/self/fd/${devpts}/ptmx`, O_RDWR + O_NOCTTY + O_CLOEXEC))
  try {
    syscall('ioctl', master.number, TIOCSPTLCK, Buffer.alloc(4))
    const slave = new Fd(syscall('ioctl', master.number, TIOCGPTPEER, O_RDWR + O_NOCTTY + O_CLOEXEC))
    if (size !== undefined) setSize(master.number, size)
    let taken = false
    return {
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

/** The same as root of the user's namespace, by a child that shares our descriptors. */
function makeDevptsIn({ namespace, hasTerminalGroup }: Rootless): number {
  return executeInChild((program) => {
    program.step('enter the user namespace').call('setns', [namespace.fd, CLONE_NEWUSER])
    program.call('unshare', [CLONE_NEWNS])
    program.step('make a devpts')
    return newFileSystem(program, 'devpts', devptsParameters(hasTerminalGroup), devptsAttributes)
  })
}
