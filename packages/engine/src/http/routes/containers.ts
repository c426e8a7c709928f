import { processRows, RuntimeError } from '@ctr/runtime'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest, toApiError } from '../../errors.js'
import { inspectContainer } from '../../translate/inspect-container.js'
import { containerFilters, listEntry, selectContainers } from '../../translate/list-containers.js'
import { refuseUnchangeable } from '../../translate/unsupported.js'
import { warningsOf } from '../../translate/warnings.js'
import { Query } from '../query.js'
import { createBody, updateBody, type CreateBody, type UpdateBody } from '../schemas/create-container.js'

/** Containers as documents, and what is done with them. */
export function containerRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { containers, runtime } = engine
  const named = (request: FastifyRequest): ManagedContainer =>
    containers.get((request.params as { id: string }).id)

  app.post('/containers/create', { schema: { body: createBody } }, async (request, reply) => {
    const query = new Query(request)
    const name = query.text('name')?.replace(/^\//, '')
    const body = request.body as CreateBody
    const { id } = await containers.create(body, name, query.text('platform'))
    return await reply.code(201).send({ Id: id, Warnings: warningsOf(body) })
  })

  app.get('/containers/json', async (request) => {
    const query = new Query(request)
    const filters = query.filters(containerFilters)
    const limit = query.integer('limit') ?? 0
    const all = query.flag('all') || limit > 0
    const found = selectContainers(containers.all(), filters, {
      all,
      find: (wanted) => containers.get(wanted),
    })
    const entries = []
    for (const container of limit > 0 ? found.slice(0, limit) : found)
      entries.push({
        ...listEntry(container, runtime),
        ...(query.flag('size') ? await engine.sizes.of(container) : {}),
      })
    return entries
  })

  app.get('/containers/:id/json', async (request) => {
    const container = named(request)
    const image = await runtime.images.get(container.document.imageId).catch(() => undefined)
    const sizes = new Query(request).flag('size') ? await engine.sizes.of(container) : {}
    const execIds = engine.execs.idsOf(container)
    return { ...inspectContainer(container, runtime, { image, execIds }), ...sizes }
  })

  app.post('/containers/:id/start', async (request, reply) => {
    const started = await named(request).start()
    await reply.code(started ? 204 : 304).send()
  })

  app.post('/containers/:id/stop', async (request, reply) => {
    const query = new Query(request)
    const stopped = await named(request).stop(query.integer('t'), query.text('signal'))
    await reply.code(stopped ? 204 : 304).send()
  })

  app.post('/containers/:id/restart', async (request, reply) => {
    const query = new Query(request)
    await named(request).restart(query.integer('t'), query.text('signal'))
    await reply.code(204).send()
  })

  app.post('/containers/:id/kill', async (request, reply) => {
    try {
      await named(request).kill(new Query(request).text('signal') ?? 'SIGKILL')
    } catch (cause) {
      const { status, message } = toApiError(cause)
      const { id } = request.params as { readonly id: string }
      throw new ApiError(status, `cannot kill container: ${id}: ${message}`, { cause })
    }
    await reply.code(204).send()
  })

  app.post('/containers/:id/pause', async (request, reply) => {
    await named(request).pause()
    await reply.code(204).send()
  })

  app.post('/containers/:id/unpause', async (request, reply) => {
    await named(request).unpause()
    await reply.code(204).send()
  })

  app.post('/containers/:id/update', { schema: { body: updateBody } }, (request) => {
    const body = request.body as UpdateBody
    refuseUnchangeable(body)
    named(request).update(body)
    return { Warnings: null }
  })

  app.post('/containers/:id/rename', async (request, reply) => {
    containers.rename(named(request), new Query(request).needed('name').replace(/^\//, ''))
    await reply.code(204).send()
  })

  app.post('/containers/:id/resize', async (request, reply) => {
    const container = named(request)
    // before the start it is the size to begin with
    if (!container.isRunning && container.document.body.Tty !== true)
      throw new ApiError(409, `container ${container.id} is not running`)
    container.resize(sizeOf(request))
    await reply.code(200).send()
  })

  app.delete('/containers/:id', async (request, reply) => {
    const query = new Query(request)
    await named(request).remove({ force: query.flag('force'), volumes: query.flag('v') })
    await reply.code(204).send()
  })

  app.delete('/containers/:id/:alias', async (request, reply) => {
    if (!new Query(request).flag('link')) throw new ApiError(404, 'page not found')
    named(request).removeLink((request.params as { alias: string }).alias)
    await reply.code(204).send()
  })

  app.get('/containers/:id/top', (request) => {
    const container = named(request)
    if (!container.isRunning) throw new ApiError(409, `container ${container.id} is not running`)
    const options = (new Query(request).text('ps_args') ?? '-ef').split(/\s+/)
    const { titles, rows } = tableOf(container, options)
    engine.emitOf(container, 'top', {})
    return { Titles: titles, Processes: rows }
  })

  app.get('/containers/:id/changes', async (request) => {
    const kinds = { C: 0, A: 1, D: 2 }
    const changes = await named(request).handle.changes()
    return changes.map(({ kind, path }) => ({ Path: path, Kind: kinds[kind] }))
  })
}

/** Size of a terminal from `h` and `w`. */
export function sizeOf(request: FastifyRequest): { readonly rows: number; readonly columns: number } {
  const query = new Query(request)
  const side = (name: string): number => {
    const value = query.integer(name)
    if (value === undefined || value < 0 || value > 65535)
      throw badRequest(`invalid value of ${name}: it must be 0-65535`)
    return value
  }
  return { rows: side('h'), columns: side('w') }
}

function tableOf({ handle }: ManagedContainer, options: readonly string[]): ReturnType<typeof processRows> {
  try {
    return processRows(handle.processes(), options)
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    throw badRequest(`invalid value of ps_args: ${(error as Error).message}`)
  }
}
