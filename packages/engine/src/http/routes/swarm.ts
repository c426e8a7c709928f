import type { FastifyInstance } from 'fastify'
import { ApiError, notImplemented, outsideOfSwarm } from '../../errors.js'

/** What an engine outside of a swarm answers, and what this one has not. */
export function swarmRoutes(app: FastifyInstance): void {
  for (const path of ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs']) {
    for (const url of [`/${path}`, `/${path}/*`]) {
      app.all(url, (request) => {
        if (/^\/swarm\/(init|join)/.test(request.url)) throw notImplemented('there are no swarms here')
        if (request.url.startsWith('/swarm/leave'))
          throw new ApiError(503, 'This node is not part of a swarm')
        throw outsideOfSwarm()
      })
    }
  }
  app.put('/volumes/:name', () => {
    throw new ApiError(503, 'volume update only valid for cluster volumes, but swarm is unavailable')
  })
  app.get('/plugins', () => [])
  app.all('/plugins/*', (request) => {
    const path = (request.params as { '*': string })['*']
    if (['pull', 'privileges', 'create'].includes(path)) throw notImplemented('plugins are not supported')
    // there are none: whichever is asked for is not found
    const name = path.replace(/\/(json|enable|disable|upgrade|push|set)$/, '')
    throw new ApiError(404, `plugin ${JSON.stringify(name)} not found`)
  })
  for (const url of ['/containers/:id/checkpoints', '/containers/:id/checkpoints/:name']) {
    app.all(url, () => {
      throw notImplemented('checkpoints are not supported')
    })
  }
  for (const path of ['/build', '/session', '/grpc', '/images/search']) {
    app.all(path, () => {
      throw notImplemented(
        path === '/images/search'
          ? 'searching registries is not supported'
          : 'building images is not supported: build elsewhere, and pull or load the image',
      )
    })
  }
}
