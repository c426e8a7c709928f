import {
  AF_UNIX,
  architecture,
  Fd,
  onReadable,
  receiveFd,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  socketpair,
} from '@ctr/linux'
import type { Credentials } from '@ctr/namespaces'
import type { LinuxSeccomp } from '../seccomp/profile.js'
import type { Log } from './log.js'
import type { OciState } from './state/status.js'

/** A filter that is about to be loaded, and the way of its listener where it has one. */
export interface PreparedSeccomp extends Disposable {
  readonly credentials: Pick<Credentials, 'seccomp' | 'seccompFlags' | 'seccompListener'>
  /** Waits for the listener and hands it to whoever listens at `listenerPath`. */
  forward(state: () => OciState): Promise<void>
  /** Nobody will send a listener any more. */
  abandon(): void
}

const none: PreparedSeccomp = {
  credentials: {},
  forward: () => Promise.resolve(),
  abandon: () => undefined,
  [Symbol.dispose]: () => undefined,
}

/**
 * Waits for a process and for its listener to be handed on. When that fails the process is ended: its calls would
 * fail for ever.
 */
export async function startedWith<T extends AsyncDisposable>(
  spawning: Promise<T>,
  seccomp: PreparedSeccomp,
  state: () => OciState,
): Promise<T> {
  const [started, forwarded] = await Promise.allSettled([
    spawning.finally(() => {
      seccomp.abandon()
    }),
    seccomp.forward(state),
  ])
  if (started.status === 'rejected') throw forwarded.status === 'rejected' ? forwarded.reason : started.reason
  if (forwarded.status === 'fulfilled') return started.value
  await started.value[Symbol.asyncDispose]()
  throw forwarded.reason
}

/** Compiles the filter of a process, and opens the way for its listener. */
export async function prepareSeccomp(profile: LinuxSeccomp | undefined, log: Log): Promise<PreparedSeccomp> {
  if (profile === undefined) return none
  const { compileSeccomp } = await import('../seccomp/compile.js') // with the numbers of all system calls
  const filter = compileSeccomp(profile, { architecture: architecture() })
  log.debug(`seccomp filter flags: ${filter.flags}`)
  const credentials = { seccomp: filter.program, seccompFlags: filter.flags }
  if (!filter.notifies) return { ...none, credentials }
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_STREAM + SOCK_CLOEXEC, 0).map((fd) => new Fd(fd)) as [
    Fd,
    Fd,
  ]
  return {
    credentials: { ...credentials, seccompListener: theirs.number },
    async forward(state) {
      await new Promise<void>((resolve) => onReadable(ours.number, resolve))
      const { fd } = receiveFd(ours.number)
      if (fd === undefined) return // it failed before
      using listener = new Fd(fd)
      const { sendListener } = await import('../seccomp/listener.js')
      await sendListener(profile, listener.number, state())
    },
    abandon: () => {
      theirs.close()
    },
    [Symbol.dispose]() {
      ours.close()
      theirs.close()
    },
  }
}
