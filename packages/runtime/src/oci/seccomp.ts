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
import type { SeccompFilter } from '../seccomp/compile.js'
import { RuntimeError } from '../errors.js'
import type { Config } from './config/config.js'
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

/** crun's annotation: a filter for system calls that there are not is a mistake. They are passed over otherwise. */
export function failsUnknown({ annotations }: Pick<Config, 'annotations'>): boolean {
  const value = annotations?.['run.oci.seccomp_fail_unknown_syscall']
  return value !== undefined && value !== '' && value !== '0'
}

/** Filters of profiles that are still there. */
const filters = new WeakMap<LinuxSeccomp, SeccompFilter>()

/** The filter that was compiled last: containers of one program often have the same. */
let last: { readonly text: string; readonly filter: SeccompFilter } | undefined

async function compiled(profile: LinuxSeccomp): Promise<SeccompFilter> {
  const known = filters.get(profile)
  if (known !== undefined) return known
  const text = JSON.stringify(profile, (_, value: unknown) =>
    typeof value === 'bigint' ? [`${value}n`] : value,
  )
  if (last?.text !== text) {
    const { compileSeccomp } = await import('../seccomp/compile.js') // with the numbers of all system calls
    last = { text, filter: compileSeccomp(profile, { architecture: architecture() }) }
  }
  filters.set(profile, last.filter)
  return last.filter
}

/**
 * Compiles the filter of a process, and opens the way for its listener.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`
 */
export async function prepareSeccomp(
  profile: LinuxSeccomp | undefined,
  log: Log,
  { failUnknown = false }: { readonly failUnknown?: boolean } = {},
): Promise<PreparedSeccomp> {
  if (profile === undefined) return none
  const filter = await compiled(profile)
  if (failUnknown && filter.unknownNames.length > 0) {
    const names = filter.unknownNames.slice(0, 5).join(', ')
    throw new RuntimeError('ERR_RUNTIME_SECCOMP', `cannot filter system calls that there are not: ${names}`)
  }
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
