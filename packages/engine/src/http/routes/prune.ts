import type { FastifyInstance } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { EngineCore } from '../../core.js'
import { layersSize } from '../../disk/image-sizes.js'
import { repoTags } from '../../translate/image-documents.js'
import { imageMountsOf } from '../../translate/mounts.js'
import { isMade } from '../../translate/networks.js'
import { Query, type Filters } from '../query.js'
import { untilOf } from '../until-filter.js'

/** Removal of everything that nobody uses. */
export function pruneRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { containers, runtime, events } = engine

  app.post('/containers/prune', async (request) => {
    const filters = new Query(request).filters(['label', 'label!', 'until'])
    const until = untilOf(filters)
    const unused = containers.all().filter(({ status, document, handle }) => {
      const { labels } = handle.inspect()
      return (
        ['created', 'exited'].includes(status) &&
        Date.parse(document.created) < until &&
        isAsked(filters, labels)
      )
    })
    let SpaceReclaimed = 0
    for (const container of unused) {
      const { SizeRw } = await engine.sizes.of(container)
      await container.remove({ force: false, volumes: false })
      SpaceReclaimed += SizeRw
    }
    events.emit('container', 'prune', '', { reclaimed: String(SpaceReclaimed) })
    return { ContainersDeleted: unused.length === 0 ? null : unused.map(({ id }) => id), SpaceReclaimed }
  })

  app.post('/volumes/prune', async (request) => {
    const filters = new Query(request).filters(['all', 'label', 'label!'])
    const all = filters.get('all').some((value) => ['1', 'true'].includes(value))
    const unused = runtime.volumes
      .list()
      .filter(
        (volume) =>
          (all || volume.anonymous) && volume.users().length === 0 && isAsked(filters, volume.labels),
      )
    let SpaceReclaimed = 0
    for (const volume of unused) {
      const size = await volume.size()
      await runtime.volumes.remove(volume.name)
      events.emit('volume', 'destroy', volume.name, { driver: 'local' })
      SpaceReclaimed += size
    }
    events.emit('volume', 'prune', '', { reclaimed: String(SpaceReclaimed) })
    return { VolumesDeleted: unused.map(({ name }) => name), SpaceReclaimed }
  })

  app.post('/networks/prune', async (request) => {
    const filters = new Query(request).filters(['label', 'label!', 'until'])
    const until = untilOf(filters)
    const { networks } = runtime
    const unused = networks
      .list()
      .filter(
        ({ name, createdAt, labels }) =>
          isMade(name) &&
          Date.parse(createdAt) < until &&
          isAsked(filters, labels) &&
          networks.inspect(name).containers.length === 0,
      )
    for (const { id, name, driver } of unused) {
      await networks.remove(name)
      events.emit('network', 'destroy', id, { name, type: driver })
    }
    events.emit('network', 'prune', '', { reclaimed: '0' })
    return { NetworksDeleted: unused.length === 0 ? null : unused.map(({ name }) => name) }
  })

  app.post('/images/prune', async (request) => {
    const filters = new Query(request).filters(['dangling', 'label', 'label!', 'until'])
    const until = untilOf(filters)
    const all = filters.get('dangling').some((value) => ['0', 'false'].includes(value))
    const used = new Set(containers.all().flatMap(imagesOf))
    const unused = (await runtime.images.list()).filter(
      (image) =>
        !used.has(image.id) &&
        (all || repoTags(image).length === 0) &&
        Date.parse(image.config.created ?? '1970-01-01') < until &&
        isAsked(filters, image.config.config.Labels ?? {}),
    )
    const before = layersSize(runtime.images.layerSizes())
    const deleted = []
    for (const image of unused) deleted.push(...(await engine.images.removeAll(image)))
    const removed = Math.max(0, before - layersSize(runtime.images.layerSizes()))
    const isEverything = ['label', 'label!', 'until'].every((name) => filters.get(name).length === 0)
    const garbage = isEverything ? await runtime.images.prune() : { blobs: [], layers: [], bytes: 0 }
    deleted.push(...[...garbage.blobs, ...garbage.layers].map((Deleted) => ({ Deleted })))
    const SpaceReclaimed = removed + garbage.bytes
    events.emit('image', 'prune', '', { reclaimed: String(SpaceReclaimed) })
    return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed }
  })

  // as an engine whose builder keeps nothing: `docker system prune` asks all of them
  app.post('/build/prune', (request) => {
    new Query(request).filters(ofBuilds)
    return { CachesDeleted: [], SpaceReclaimed: 0 }
  })
}

const ofBuilds = [
  ...['all', 'description', 'description~', 'id', 'inuse', 'mutable', 'immutable', 'label', 'label!'],
  ...['parent', 'private', 'shared', 'type', 'unused-for', 'until'],
]

/** Ids of images that a container keeps: its own, and those that are mounted in it. */
function imagesOf(container: ManagedContainer): readonly string[] {
  return [container.document.imageId, ...imageMountsOf(container).map(({ source }) => source)]
}

function isAsked(filters: Filters, labels: Readonly<Record<string, string>>): boolean {
  return filters.labels(labels) && (filters.get('label!').length === 0 || !filters.labels(labels, 'label!'))
}
