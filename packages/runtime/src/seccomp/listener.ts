import { setTimeout as sleep } from 'node:timers/promises'
import {
  connectUnix,
  Fd,
  isLinuxError,
  isSyscallError,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  send,
  sendFd,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import { OCI_VERSION } from '../oci/config/default-config.js'
import type { OciState } from '../oci/state/status.js'
import type { LinuxSeccomp } from './profile.js'

/** What is sent along with the descriptor of a seccomp listener. */
export interface ContainerProcessState {
  readonly ociVersion: string
  readonly fds: readonly ['seccompFd']
  /** Process id of the process under the filter, as the runtime sees it. */
  readonly pid: number
  readonly metadata?: string | undefined
  readonly state: OciState
}

/** Settings of {@link sendListener}. */
export interface SendListenerOptions {
  /** Process under the filter, where it is not the container's first one: `exec`. Default `state.pid`. */
  readonly pid?: number | undefined
  /** How long the agent may take to make room in its queue and to read, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number | undefined
}

/**
 * Hands the listener of a filter to the seccomp agent of a profile: connects to `listenerPath`, sends the container
 * process state as JSON and with its first byte the descriptor, and closes the connection. The agent need not have
 * accepted it by then.
 *
 * @param profile - `listenerMetadata` goes along as `metadata`.
 * @param listener - Descriptor that seccomp(2) returned to the process; it stays the caller's. Once nobody has it open
 *   any more, calls that it decides on fail with `ENOSYS`.
 * @param state - The container's: `creating` for its first process, `running` for one that joins it.
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: nobody listens there, or the agent does not read.
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#containerprocessstate}
 */
export async function sendListener(
  { listenerPath, listenerMetadata }: Pick<LinuxSeccomp, 'listenerPath' | 'listenerMetadata'>,
  listener: number,
  state: OciState,
  { pid = state.pid, timeoutMs = 10_000 }: SendListenerOptions = {},
): Promise<void> {
  if (listenerPath === undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_SECCOMP',
      'cannot send the seccomp listener: the profile has no listenerPath',
    )
  }
  const message: ContainerProcessState = {
    ociVersion: OCI_VERSION,
    fds: ['seccompFd'],
    pid,
    ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
    state,
  }
  const deadline = performance.now() + timeoutMs
  let doing = `failed to connect with seccomp agent at ${listenerPath}`
  try {
    using agent = new Fd(
      await retried(deadline, () => connectUnix(listenerPath, SOCK_STREAM | SOCK_NONBLOCK)),
    )
    doing = `failed to write to seccomp agent at ${listenerPath}`
    let rest = Buffer.from(JSON.stringify(message))
    const sent = await retried(deadline, () => sendFd(agent.number, listener, rest, MSG_DONTWAIT))
    for (rest = rest.subarray(sent); rest.length > 0;) {
      const more = await retried(deadline, () => send(agent.number, rest, MSG_DONTWAIT | MSG_NOSIGNAL))
      rest = rest.subarray(more)
    }
  } catch (error) {
    if (!isSyscallError(error) && !isLinuxError(error)) throw error
    throw new RuntimeError(
      'ERR_RUNTIME_SECCOMP',
      `cannot send the seccomp listener: ${doing}: ${error.message}`,
      { cause: error },
    )
  }
}

// neither connect(2) to a Unix socket nor sendmsg(2) tells epoll(7) when there is room again in the other's queue
async function retried(deadline: number, attempt: () => number): Promise<number> {
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    try {
      return attempt()
    } catch (error) {
      const isFull = isSyscallError(error) && error.code === 'EAGAIN'
      if (!isFull || performance.now() >= deadline) throw error
    }
    await sleep(pauseMs)
  }
}
