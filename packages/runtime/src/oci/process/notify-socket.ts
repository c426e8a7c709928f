import { chmodSync, existsSync, mkdirSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import {
  AF_UNIX,
  bind,
  connectUnix,
  closeFd,
  Fd,
  MSG_DONTWAIT,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  onReadable,
  pipe2,
  recv,
  send,
  sendFd,
  SOCK_DGRAM,
  socket,
  syscall,
  unixAddress,
} from '@ctr/linux'
import type { ConfigMount } from '../config/config.js'
import type { Log } from '../log.js'

const FOLDER = 'notify'
const FILE = 'notify.sock'
const INSIDE = '/run/notify'

/** How long systemd may take to have read what it was told, in milliseconds. */
const BARRIER_MS = 30_000

/** What a container gets for sd_notify(3): a folder that is bound into it, and where its programs find the socket. */
export interface NotifyPlace {
  readonly mount: ConfigMount
  readonly env: readonly string[]
}

/**
 * Outside, on `create` with `NOTIFY_SOCKET` in the runtime's environment: makes the folder in the container's state
 * folder that {@link NotifySocket.open} puts the socket into later. The service manager's own socket stays outside.
 * In the container the folder has the path of that socket, or `/run/notify` where it has a name without a path.
 *
 * @param host - `NOTIFY_SOCKET` of the runtime.
 * @returns What is added to the config.
 */
export function prepareNotify(stateFolder: string, host: string): NotifyPlace {
  const source = join(stateFolder, FOLDER)
  mkdirSync(source)
  chmodSync(source, 0o755)
  const destination = host.startsWith('/') ? host : INSIDE
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']
  return {
    mount: { type: 'bind', source, destination, options },
    env: [`NOTIFY_SOCKET=${join(destination, FILE)}`],
  }
}

/** Whether {@link prepareNotify} was called for a container. */
export function hasNotify(stateFolder: string): boolean {
  return existsSync(join(stateFolder, FOLDER))
}

/** The socket by which a container says that it is ready. Only that reaches the service manager. */
export class NotifySocket implements Disposable {
  readonly #fd: Fd

  private constructor(fd: Fd) {
    this.#fd = fd
  }

  /** Outside, on `start`, before the command is executed: makes the socket, which any user of the container may use. */
  static open(stateFolder: string): NotifySocket {
    // a path of a state folder may be longer than an address can be
    using folder = new Fd(openSync(join(stateFolder, FOLDER), O_PATH + O_DIRECTORY))
    const path = `/proc/self/fd/${folder.number}/${FILE}`
    const fd = new Fd(socket(AF_UNIX, SOCK_DGRAM, 0))
    try {
      bind(fd.number, unixAddress(path))
      chmodSync(path, 0o777)
    } catch (error) {
      fd.close()
      throw error
    }
    return new NotifySocket(fd)
  }

  /**
   * Waits until the container says that it is ready, or ends, and tells the service manager so, with the process to
   * watch from then on.
   *
   * @param host - `NOTIFY_SOCKET` of the runtime.
   * @param pid - Of the container's first process.
   * @param pidfd - Of the same process; stays the caller's.
   * @returns Whether it was ready before it ended.
   */
  async forward(
    host: string,
    { pid, pidfd, log }: { pid: number; pidfd: number; log: Log },
  ): Promise<boolean> {
    const ready = await this.#ready(pidfd)
    if (ready === undefined) return false
    using manager = new Fd(connectManager(host))
    send(manager.number, Buffer.from(`${ready}\n`))
    send(manager.number, Buffer.from(`MAINPID=${pid}\n`))
    if (!(await barrier(manager.number)))
      log.warn('the service manager did not say that it has read our notice')
    return true
  }

  [Symbol.dispose](): void {
    this.#fd.close()
  }

  /** The first line of the first message that has a `READY=1`; undefined when the process ends before. */
  async #ready(pidfd: number): Promise<string | undefined> {
    const fd = this.#fd.number
    while (await readableBefore(fd, pidfd)) {
      const line = readMessage(fd)
        .split('\n')
        .find((text) => text.startsWith('READY='))
      if (line !== undefined) return line
    }
    return undefined
  }
}

/** Whether there is something to read before the other descriptor becomes readable. */
function readableBefore(fd: number, other: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = onReadable(other, () => {
      message.cancel()
      resolve(false)
    })
    const message = onReadable(fd, () => {
      end.cancel()
      resolve(true)
    })
  })
}

/** An address that begins with `@` is no path but a name in the network namespace, see unix(7). */
function connectManager(host: string): number {
  if (!host.startsWith('@')) return connectUnix(host, SOCK_DGRAM)
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  const address = Buffer.concat([family, Buffer.from(`\0${host.slice(1)}`)])
  const connection = new Fd(socket(AF_UNIX, SOCK_DGRAM, 0))
  try {
    syscall('connect', connection.number, address, address.length)
    return connection.release()
  } catch (error) {
    connection.close()
    throw error
  }
}

function readMessage(fd: number): string {
  const buffer = Buffer.alloc(4096)
  return buffer.toString('utf8', 0, recv(fd, buffer, MSG_DONTWAIT))
}

/** sd_notify_barrier(3): the manager closes the descriptor once it has read everything that was sent before it. */
async function barrier(manager: number): Promise<boolean> {
  const [end, passed] = pipe2(O_CLOEXEC)
  try {
    try {
      sendFd(manager, passed, Buffer.from('BARRIER=1'))
    } finally {
      closeFd(passed)
    }
    const closed = await new Promise<boolean>((resolve) => {
      const wait = onReadable(end, () => {
        clearTimeout(timer)
        resolve(true)
      })
      const timer = setTimeout(() => {
        wait.cancel()
        resolve(false)
      }, BARRIER_MS)
    })
    return closed && readSync(end, Buffer.alloc(1)) === 0
  } finally {
    closeFd(end)
  }
}
