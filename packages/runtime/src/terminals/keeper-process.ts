import { openSync } from 'node:fs'
import {
  AF_UNIX,
  AT_EMPTY_PATH,
  closeFd,
  Fd,
  isSyscallError,
  MSG_NOSIGNAL,
  onReadable,
  O_WRONLY,
  openExecutable,
  out,
  pidfdGetfd,
  PR_SET_DUMPABLE,
  PR_SET_PTRACER,
  PR_SET_PTRACER_ANY,
  Program,
  recv,
  send,
  setsockopt,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socketpair,
  SOL_SOCKET,
  start,
  stringVector,
  waitid,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'

/** Descriptors of the keeper: what is sent into the one waits in the other. */
export const WRITING = 0
export const READING = 1
const GATE = 2

const CLOSE_RANGE_CLOEXEC = 4
const LAST_FD = 2 ** 32 - 1

/** Room for some ten thousand messages; what an ordinary user may have is enough for some hundred. */
const QUEUE_BYTES = 2 ** 24

/** A keeper that waits for its word to stay, and ends when its starter ends before. */
export interface StartedKeeper extends Disposable {
  readonly pid: number
  /** It stays from now on, until it is killed. */
  stay(): void
}

/**
 * Starts a process that holds both ends of a queue, and does nothing: two pages of memory in a session of their own,
 * which have none of our descriptors, and which no signal but SIGKILL reaches. Whoever may trace it comes to the queue
 * by pidfd_getfd(2): a process of the same user and user namespace, with all of its capabilities, that sees it.
 *
 * @param groups - Files `cgroup.procs` of groups that it is to be in, where it can: it outlives what is killed with the
 *   group that we are in.
 * @returns Undefined where we may not do that ourselves, as in a container whose seccomp filter forbids it.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`; `SyscallError`.
 */
export async function startKeeper(groups: readonly string[]): Promise<StartedKeeper | undefined> {
  using queue = openPair(SOCK_SEQPACKET)
  using gates = openPair(SOCK_STREAM)
  makeRoom(queue.one.number)
  using file = openExecutable(keeping(), GATE)
  using joined = openGroups(groups)
  const setup = new Program()
  setup.step('start the keeper of terminals')
  for (const { number } of joined.files) setup.call('write', [number, '0', 1], { minimum: 'any' })
  setup.call('setsid', [])
  setup.call('dup3', [queue.one.number, WRITING, 0])
  setup.call('dup3', [queue.other.number, READING, 0])
  setup.call('dup3', [gates.other.number, GATE, 0])
  setup.call('close_range', [GATE + 1, LAST_FD, CLOSE_RANGE_CLOEXEC])
  setup.call('chdir', ['/'])
  setup.call('execveat', [file.number, '', stringVector(['ctr-terminals']), stringVector([]), AT_EMPTY_PATH])
  const { pid, pidfd } = await start(setup, { flags: 0 }).completed
  reapAtEnd(pidfd)
  gates.other.close()
  const gate = new Fd(gates.one.release()) // closed, it ends the keeper
  try {
    await atGate(gate.number)
    if (!mayReach(pidfd)) {
      gate.close()
      return undefined
    }
  } catch (error) {
    gate.close()
    throw error
  }
  return {
    pid,
    stay() {
      send(gate.number, Buffer.alloc(1), MSG_NOSIGNAL)
    },
    [Symbol.dispose]() {
      gate.close()
    },
  }
}

/** What the keeper does. */
function keeping(): Program {
  const program = new Program()
  program.call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
  program.call('prctl', [PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0], { tolerate: ['EINVAL'] }) // Yama alone knows it
  program.call('write', [GATE, Buffer.alloc(1), 1])
  program.call('read', [GATE, out(new Uint8Array(1)), 1], { minimum: 1 })
  program.call('close', [GATE])
  program.call('ppoll', [null, 0, null, null, 8])
  program.call('exit_group', [0])
  return program
}

async function atGate(gate: number): Promise<void> {
  await new Promise<void>((resolve) => onReadable(gate, resolve))
  if (recv(gate, Buffer.alloc(1)) === 1) return
  throw new RuntimeError(
    'ERR_RUNTIME_START',
    'cannot keep a terminal: the process that was to keep it has ended',
  )
}

function mayReach(pidfd: number): boolean {
  try {
    closeFd(pidfdGetfd(pidfd, READING))
    return true
  } catch (error) {
    if (isSyscallError(error) && error.code === 'EPERM') return false
    throw error
  }
}

function reapAtEnd(pidfd: number): void {
  onReadable(pidfd, () => {
    waitid(pidfd)
    closeFd(pidfd)
  }).unref()
}

function makeRoom(socket: number): void {
  try {
    setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, QUEUE_BYTES)
  } catch (error) {
    if (!isSyscallError(error) || error.code !== 'EPERM') throw error
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, QUEUE_BYTES) // as much of it as everybody may have
  }
}

function openGroups(paths: readonly string[]): { readonly files: readonly Fd[] } & Disposable {
  const files = paths.flatMap((path) => {
    try {
      return [new Fd(openSync(path, O_WRONLY))]
    } catch {
      return [] // an ordinary user's are not its own
    }
  })
  const close = (): void => {
    for (const file of files) file.close()
  }
  return { files, [Symbol.dispose]: close }
}

function openPair(type: number): { readonly one: Fd; readonly other: Fd } & Disposable {
  const [one, other] = socketpair(AF_UNIX, type, 0).map((number) => new Fd(number)) as [Fd, Fd]
  const close = (): void => {
    one.close()
    other.close()
  }
  return { one, other, [Symbol.dispose]: close }
}
