import type { Container } from '@ctr/runtime'
import { formatAgo, formatDuration } from './humanize.js'

/** What a container is doing: Docker's words of `State.Status`. */
export type ContainerState = 'created' | 'running' | 'paused' | 'exited'

/** What a container is doing. */
export function stateOf(container: Container): ContainerState {
  const { status } = container.inspect()
  return status === 'running' && container.isPaused ? 'paused' : status
}

/** Exit code as Docker shows it: 128 and the signal's number for one that a signal ended; null when nobody saw it. */
export function exitCodeOf(container: Container): number | null {
  const { exit } = container.inspect()
  if (exit === null) return null
  return exit.exitCode ?? (exit.signal === null ? null : 128 + exit.signal)
}

/** The column STATUS of `ps`. */
export function statusText(container: Container, now: number = Date.now()): string {
  const { createdAt, exit, network } = container.inspect()
  const state = stateOf(container)
  if (state === 'created') return 'Created'
  if (state !== 'exited') {
    const notes = `${state === 'paused' ? ' (Paused)' : ''}${network.failure === null ? '' : ' (Network lost)'}`
    return `Up ${formatDuration(now - Date.parse(createdAt))}${notes}`
  }
  const code = exitCodeOf(container)
  return `Exited (${code ?? 'unknown'})${exit?.finishedAt == null ? '' : ` ${formatAgo(exit.finishedAt, now)}`}`
}

/** The column PORTS of `ps`. */
export function portsText(container: Container): string {
  if (container.inspect().status !== 'running') return ''
  return container
    .inspect()
    .network.ports.map(
      ({ hostIp, host, container: inside, protocol }) => `${hostIp}:${host}->${inside}/${protocol}`,
    )
    .join(', ')
}
