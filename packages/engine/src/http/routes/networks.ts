import type { Container } from '@ctr/runtime'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest } from '../../errors.js'
import { attachment } from '../../translate/container-network.js'
import { networkDocument } from '../../translate/network-document.js'
import { networkOptions } from '../../translate/network-options.js'
import { driverOf, idOf, infoOf, isMade, networkNames } from '../../translate/networks.js'
import { matchesName } from '../match-name.js'
import { Query, type Filters } from '../query.js'
import {
  connectBody,
  disconnectBody,
  networkBody,
  type ConnectBody,
  type DisconnectBody,
  type NetworkBody,
} from '../schemas/network.js'

const known = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']

/** Networks: those that are always there, and those that were made. */
export function networkRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { runtime, containers, events } = engine
  const names = (): string[] => [
    ...new Set([...networkNames, ...runtime.networks.list().map(({ name }) => name)]),
  ]
  const find = (wanted: string): string => {
    const all = names()
    const byId = all.filter((name) => wanted.length > 0 && idOf(runtime, name).startsWith(wanted))
    const name = all.find((one) => one === wanted) ?? (byId.length > 1 ? undefined : byId[0])
    if (byId.length > 1 && name === undefined)
      throw badRequest(`network ${wanted} is ambiguous (${byId.length} matches found on ID prefix)`)
    if (name === undefined) throw new ApiError(404, `network ${wanted} not found`)
    return name
  }
  const nameOf = (id: string): string => containers.all().find((one) => one.id === id)?.name ?? ''
  const nameIn = (request: FastifyRequest): string => find((request.params as { id: string }).id)
  const emit = (name: string, action: string, attributes: Readonly<Record<string, string>> = {}): void => {
    const type = driverOf(name, infoOf(runtime, name))
    events.emit('network', action, idOf(runtime, name), { name, type, ...attributes })
  }
  const isAsked = (filters: Filters, name: string): boolean => {
    const wrong = filters.get('type').find((type) => !['custom', 'builtin'].includes(type))
    if (wrong !== undefined) throw badRequest(`invalid filter 'type=${wrong}'`)
    const info = infoOf(runtime, name)
    const isUnused = isMade(name) && runtime.networks.inspect(name).containers.length === 0
    return (
      filters.any('name', (wanted) => matchesName(wanted, name)) &&
      filters.any('id', (wanted) => idOf(runtime, name).startsWith(wanted)) &&
      filters.any('driver', (driver) => driver === driverOf(name, info)) &&
      filters.any('scope', (scope) => scope === 'local') &&
      filters.any('type', (type) => type === (isMade(name) ? 'custom' : 'builtin')) &&
      filters.flag('dangling', isUnused) &&
      filters.labels(info?.labels ?? {})
    )
  }

  app.get('/networks', (request) => {
    const filters = new Query(request).filters(known)
    return names()
      .filter((name) => isAsked(filters, name))
      .map((name) => networkDocument(engine, name, { detailed: false }))
  })

  app.get('/networks/:id', (request) => networkDocument(engine, nameIn(request), { detailed: true }))

  app.post('/networks/create', { schema: { body: networkBody } }, async (request, reply) => {
    const body = request.body as NetworkBody
    if (!isMade(body.Name))
      throw new ApiError(403, `operation is not permitted on predefined ${body.Name} network`)
    if (infoOf(runtime, body.Name) !== undefined)
      throw new ApiError(409, `network with name ${body.Name} already exists`)
    const { id, name } = await runtime.networks.create(networkOptions(body))
    emit(name, 'create')
    return await reply.code(201).send({ Id: id, Warning: '' })
  })

  app.delete('/networks/:id', async (request, reply) => {
    const name = nameIn(request)
    if (!isMade(name)) throw new ApiError(403, `${name} is a pre-defined network and cannot be removed`)
    const { containers: on } = runtime.networks.inspect(name)
    if (on.length > 0) {
      const names = on.map(({ id }) => `name:"${nameOf(id)}" id:"${id.slice(0, 12)}"`).join(', ')
      throw new ApiError(403, `error while removing network: network ${name} has active endpoints (${names})`)
    }
    const [id, type] = [idOf(runtime, name), driverOf(name, infoOf(runtime, name))]
    // of an overlay, also while its store is away: Docker's API has no such word
    await runtime.networks.remove(name, { force: new Query(request).flag('force') })
    events.emit('network', 'destroy', id, { name, type })
    return await reply.code(204).send()
  })

  app.post('/networks/:id/connect', { schema: { body: connectBody } }, async (request, reply) => {
    const name = nameIn(request)
    const { Container, EndpointConfig } = request.body as ConnectBody
    const { id, handle, isRunning, name: containerName } = containers.get(Container)
    const { name: _, ...wanted } = attachment(name, EndpointConfig)
    // as Docker does, whose clients connect containers before the start to networks that these may be on already
    const isOnIt = isOn(handle, name)
    if (isOnIt && !isRunning) return await reply.code(200).send()
    if (isOnIt)
      throw new ApiError(403, `endpoint with name ${containerName} already exists in network ${name}`)
    await runtime.networks.connect(name, handle, wanted)
    emit(name, 'connect', { container: id })
    return await reply.code(200).send()
  })

  app.post('/networks/:id/disconnect', { schema: { body: disconnectBody } }, async (request, reply) => {
    const name = nameIn(request)
    const { id, handle } = containers.get((request.body as DisconnectBody).Container)
    if (!isOn(handle, name)) throw new ApiError(403, `container ${id} is not connected to network ${name}`)
    await runtime.networks.disconnect(name, handle)
    emit(name, 'disconnect', { container: id })
    return await reply.code(200).send()
  })
}

function isOn(handle: Container, name: string): boolean {
  return handle.inspect().network.networks.some((place) => place.name === name)
}
