import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError, notImplemented } from '../../errors.js'
import { networkDocument } from '../../translate/network-document.js'
import { networkId, networkNames, type NetworkName } from '../../translate/networks.js'
import { Query } from '../query.js'

const known = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']

/** The networks that are always there. */
export function networkRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { root } = engine.runtime
  const find = (wanted: string): NetworkName => {
    const name = networkNames.find((one) => one === wanted || networkId(root, one).startsWith(wanted))
    if (name === undefined) throw new ApiError(404, `network ${wanted} not found`)
    return name
  }

  app.get('/networks', (request) => {
    const filters = new Query(request).filters(known)
    return networkNames
      .filter(
        (name) =>
          filters.any('name', (wanted) => name.includes(wanted)) &&
          filters.any('id', (wanted) => networkId(root, name).startsWith(wanted)) &&
          filters.any('driver', (driver) => driver === (name === 'none' ? 'null' : name)) &&
          filters.any('scope', (scope) => scope === 'local') &&
          filters.any('type', (type) => type === 'builtin') &&
          filters.any('dangling', (value) => value === 'false' || value === '0') &&
          filters.labels({}),
      )
      .map((name) => networkDocument(engine, name, false))
  })

  app.get('/networks/:id', (request) =>
    networkDocument(engine, find((request.params as { id: string }).id), true),
  )

  app.delete('/networks/:id', (request) => {
    const name = find((request.params as { id: string }).id)
    throw new ApiError(403, `${name} is a pre-defined network and cannot be removed`)
  })

  app.post('/networks/create', () => {
    throw notImplemented('cannot create a network: only bridge, host and none are there')
  })

  for (const action of ['connect', 'disconnect']) {
    app.post(`/networks/:id/${action}`, (request) => {
      find((request.params as { id: string }).id)
      throw notImplemented(`cannot ${action} a container: it has the network that it was created with`)
    })
  }
}
