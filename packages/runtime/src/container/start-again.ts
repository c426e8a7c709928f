import type { RunOptions } from '../options.js'
import type { ContainerVolume } from './container-volume.js'
import { keptOptions, type KeptOptions } from './kept-options.js'
import type { ContainerSpec } from './spec.js'

/**
 * What is kept of a container that is run at once: all that it needs to be started again after its end. Null where that
 * cannot be: its root is given back, it removes itself, or its ids are given back.
 */
export function optionsToStartAgain(
  { record, options, userNamespace }: ContainerSpec,
  made: readonly ContainerVolume[],
): KeptOptions | null {
  if (!record.detached || record.autoRemove || userNamespace !== 'host') return null
  const ofThisRun = { stdin: undefined, stdout: undefined, stderr: undefined, detach: undefined }
  const kept: RunOptions = { ...options, ...ofThisRun, signal: undefined }
  return keptOptions(kept, made)
}
