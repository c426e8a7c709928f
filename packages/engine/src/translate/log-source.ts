import type { Container } from '@ctr/runtime'
import type { LogSource } from '../logs/source.js'
import type { ContainerDocument } from '../state/container-document.js'

/** What log drivers know of a container. Its name may change: they read it at each start. */
export function logSource(document: ContainerDocument, handle: Container): LogSource {
  const { id, imageId, created, body } = document
  const { command, env } = handle.inspect()
  return {
    id,
    get name() {
      return document.name
    },
    imageId,
    imageName: body.Image,
    command,
    created,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    labels: body.Labels ?? {},
    config: body.HostConfig?.LogConfig?.Config ?? {},
  }
}
