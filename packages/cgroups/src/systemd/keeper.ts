import {
  AT_EMPTY_PATH,
  closeFd,
  Fd,
  O_CLOEXEC,
  onReadable,
  openExecutable,
  out,
  pidfdSendSignal,
  pipe2,
  Program,
  start,
  stringVector,
  waitid,
} from '@ctr/linux'

const CLOSE_RANGE_CLOEXEC = 4
const LAST_FD = 2 ** 32 - 1
const SIGKILL = 9

/** A process that does nothing but be there. */
export interface Keeper extends AsyncDisposable {
  readonly pid: number
  /** Ends it. Resolves when it is gone. Idempotent. */
  release(): Promise<void>
}

/**
 * Starts a process that keeps a scope until others are in it: systemd makes a scope for processes only, and takes it
 * away when there is none. It is two pages of memory that wait for the end of a pipe, which comes when it is released
 * or when this process ends, however it does. It has none of our descriptors, and no signal but SIGKILL reaches it.
 */
export async function startKeeper(): Promise<Keeper> {
  const [read, write] = pipe2(O_CLOEXEC)
  using ours = new Fd(read)
  const holding = new Fd(write)
  try {
    const waits = new Program()
    waits.call('read', [0, out(new Uint8Array(1)), 1])
    waits.call('exit_group', [0])
    using file = openExecutable(waits, 0)
    const setup = new Program()
    setup.step('start the keeper of a scope')
    setup.call('setsid', [])
    for (const fd of [0, 1, 2]) setup.call('dup3', [ours.number, fd, 0])
    setup.call('close_range', [3, LAST_FD, CLOSE_RANGE_CLOEXEC])
    setup.call('chdir', ['/'])
    setup.call('execveat', [file.number, '', stringVector(['ctr-scope']), stringVector([]), AT_EMPTY_PATH])
    const { pid, pidfd } = await start(setup, { flags: 0 }).completed
    let gone: Promise<void> | undefined
    const release = (): Promise<void> => {
      gone ??= new Promise((resolve) => {
        holding.close()
        pidfdSendSignal(pidfd, SIGKILL) // also when it is frozen with the scope, once that is thawed
        onReadable(pidfd, () => {
          waitid(pidfd)
          closeFd(pidfd)
          resolve()
        })
      })
      return gone
    }
    return { pid, release, [Symbol.asyncDispose]: release }
  } catch (error) {
    holding.close()
    throw error
  }
}
