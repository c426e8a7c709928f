/** Ends a child that is on its way when its start is aborted. */
export interface AbortWatch extends Disposable {
  /** Whom to end from now on; a pid of 0 is nobody. */
  watch(child: { readonly pid: number }): void
}

/**
 * Listens to a signal.
 *
 * @throws Node's `AbortError` if it is aborted already.
 */
export function endOnAbort(signal: AbortSignal | undefined): AbortWatch {
  if (signal?.aborted === true) throw abortError(signal)
  let child: { readonly pid: number } | undefined
  const kill = (): void => {
    if (child === undefined || child.pid === 0) return
    try {
      process.kill(child.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  signal?.addEventListener('abort', kill)
  return {
    watch(next) {
      child = next
      if (signal?.aborted === true) kill()
    },
    [Symbol.dispose]() {
      signal?.removeEventListener('abort', kill)
    },
  }
}

/** The error of what was aborted, as Node makes it. */
export function abortError({ reason }: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
