import type { CreateBody } from '../http/schemas/create-container.js'

/** What a client is told beside the id of a container that was made. */
export function warningsOf({ HostConfig }: CreateBody): readonly string[] {
  const { KernelMemory, OomKillDisable, Memory, NetworkMode, PortBindings, PublishAllPorts } =
    HostConfig ?? {}
  const publishes = PublishAllPorts === true || Object.keys(PortBindings ?? {}).length > 0
  const warnings: string[] = []
  if ((KernelMemory ?? 0) !== 0)
    warnings.push('HostConfig.KernelMemory has no effect: kernels no longer limit it.')
  if (OomKillDisable === true && (Memory ?? 0) === 0)
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    )
  if (NetworkMode === 'host' && publishes)
    warnings.push('Published ports are discarded when using host network mode')
  return warnings
}
