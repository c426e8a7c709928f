import { isRuntimeError, type Container, type ContainerExit } from '@ctr/runtime'
import { messageOf } from '../errors.js'
import type { ContainerDocument } from '../state/container-document.js'

/** Notes that a run has begun. Returns whether it was the first time that somebody has tried. */
export function noteStart(document: ContainerDocument): boolean {
  const isFirst = document.startedAt === null && document.error === ''
  document.startedAt = new Date().toISOString()
  document.error = ''
  document.exitCode = 0
  document.oomKilled = false
  return isFirst
}

/** Notes why a run could not begin. */
export function noteFailure(document: ContainerDocument, error: unknown): void {
  document.error = messageOf(error)
  document.exitCode = exitCodeOfFailure(error)
}

/** Notes how a run has ended; null where nobody saw it. */
export function noteEnd(document: ContainerDocument, handle: Container, exit: ContainerExit | null): void {
  document.endedRun = runOf(handle)
  document.finishedAt = exit?.finishedAt ?? new Date().toISOString()
  document.startedAt ??= document.finishedAt // killed before it was written
  document.exitCode =
    exit === null ? 255 : (exit.exitCode ?? (exit.signal === null ? 255 : 128 + exit.signal))
  document.oomKilled = exit?.oomKilled ?? false
}

/** Whether a run has ended and that was not noted: how times compare is no matter, clocks may be set. */
export function hasNewEnd(document: ContainerDocument, handle: Container): boolean {
  return handle.inspect().status === 'exited' && document.endedRun !== runOf(handle)
}

/** Tells a run of a container from every other one. */
function runOf(handle: Container): string {
  const { bootId, pid, startTicks } = handle.inspect()
  return `${bootId} ${pid} ${startTicks}`
}

/** Docker's exit codes of containers that could not be started. */
function exitCodeOfFailure(error: unknown): number {
  if (isRuntimeError(error) && error.code === 'ERR_RUNTIME_COMMAND_NOT_FOUND') return 127
  if (isRuntimeError(error) && error.code === 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE') return 126
  return 128
}
