import type { CleanUpFailure } from '../cleanup.js'
import { networkNamespaceOf } from '../container/attach-networks.js'
import type { Context } from '../context.js'
import { isRuntimeError } from '../errors.js'
import { asksForNames } from './container-names.js'

/** Begins to serve names to containers that other processes have started; one that cannot be served is told. */
export async function adoptNames(context: Context): Promise<CleanUpFailure[]> {
  const failures: CleanUpFailure[] = []
  for (const record of context.records.list()) {
    if (record.status !== 'running' || !asksForNames(record)) continue
    try {
      using netns = networkNamespaceOf(record)
      await context.names.serve(record, netns.fd)
    } catch (error) {
      const hasEnded = isRuntimeError(error) && error.code === 'ERR_RUNTIME_NOT_RUNNING'
      if (!hasEnded) failures.push({ id: record.id, error })
    }
  }
  return failures
}
