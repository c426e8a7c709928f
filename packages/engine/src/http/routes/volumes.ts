import { isOverlayError } from '@ctr/overlay'
import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError, outsideOfSwarm } from '../../errors.js'
import { madeVolume } from '../../translate/made-volume.js'
import { volumeDocument } from '../../translate/volume-document.js'
import { matchesName } from '../match-name.js'
import { Query } from '../query.js'
import { volumeBody, type VolumeBody } from '../schemas/create-container.js'

const known = ['dangling', 'driver', 'label', 'name']

/** Volumes. */
export function volumeRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { volumes } = engine.runtime
  const nameOf = (request: { readonly params: unknown }): string => (request.params as { name: string }).name

  /** There is none of a name that no volume can have: clients ask for whatever somebody wants to inspect. */
  const find = (name: string): ReturnType<typeof volumes.get> => {
    try {
      return volumes.get(name)
    } catch (error) {
      if (isOverlayError(error) && error.code === 'ERR_OVERLAY_INVALID_ARG') return undefined
      throw error
    }
  }

  app.get('/volumes', (request) => {
    const filters = new Query(request).filters(known)
    const found = volumes
      .list()
      .filter(
        (volume) =>
          filters.any('name', (name) => matchesName(name, volume.name)) &&
          filters.any('driver', (driver) => driver === 'local') &&
          filters.flag('dangling', volume.users().length === 0) &&
          filters.labels(volume.labels),
      )
    return { Volumes: found.map(volumeDocument), Warnings: null }
  })

  app.post('/volumes/create', { schema: { body: volumeBody } }, async (request, reply) => {
    const { Name, Driver, DriverOpts, Labels, ClusterVolumeSpec } = request.body as VolumeBody
    if (ClusterVolumeSpec != null) throw outsideOfSwarm()
    const made = madeVolume({ Driver, DriverOpts, Labels })
    const name = Name == null || Name === '' ? undefined : Name
    const isNew = name === undefined || volumes.get(name) === undefined
    const volume = await volumes.create(name, made)
    if (isNew) engine.events.emit('volume', 'create', volume.name, { driver: 'local' })
    return await reply.code(201).send(volumeDocument(volume))
  })

  app.get('/volumes/:name', (request) => {
    const volume = find(nameOf(request))
    if (volume === undefined) throw new ApiError(404, `get ${nameOf(request)}: no such volume`)
    return volumeDocument(volume)
  })

  app.delete('/volumes/:name', async (request, reply) => {
    const name = nameOf(request)
    const volume = find(name)
    if (volume === undefined) {
      if (new Query(request).flag('force')) return await reply.code(204).send()
      throw new ApiError(404, `get ${name}: no such volume`)
    }
    const users = volume.users()
    if (users.length > 0) throw new ApiError(409, `remove ${name}: volume is in use - [${users.join(', ')}]`)
    await volumes.remove(name)
    engine.events.emit('volume', 'destroy', name, { driver: 'local' })
    return await reply.code(204).send()
  })
}
