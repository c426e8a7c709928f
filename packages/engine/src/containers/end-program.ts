import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from '@ctr/runtime'

const defaultStopMs = 10_000

/**
 * Asks a container's program to end, and ends it when it does not.
 *
 * @param timeoutSeconds - How long it may take; for ever when negative. Default 10.
 * @param of - `ended`: resolves when it has; `kill`: sends a signal, where it still runs; `signal`: what it is
 *   asked by, by default its stop signal.
 */
export async function endProgram(
  handle: Container,
  timeoutSeconds: number | null | undefined,
  {
    ended,
    kill,
    signal = handle.inspect().stopSignal,
  }: {
    readonly ended: Promise<void> | undefined
    readonly kill: (signal: string | number) => void
    readonly signal?: string | number | undefined
  },
): Promise<void> {
  const timeoutMs = timeoutSeconds == null ? defaultStopMs : timeoutSeconds * 1000
  kill(signal)
  if (handle.isPaused) await handle.unpause()
  const cancel = new AbortController()
  const late =
    timeoutMs < 0 ? new Promise<never>(() => undefined) : sleep(timeoutMs, true, { signal: cancel.signal })
  const isLate = await Promise.race([ended?.then(() => false), late.catch(() => false)])
  cancel.abort()
  if (isLate === true) kill('SIGKILL')
}
