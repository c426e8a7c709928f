import { pipeline } from 'node:stream/promises'
import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import { commitConfig } from '../../translate/commit-config.js'
import { familiar } from '../../translate/image-documents.js'
import { namedByQuery } from '../image-name.js'
import { Query } from '../query.js'
import { commitBody, type CommitBody } from '../schemas/commit.js'

/** Images and archives out of containers. */
export function commitRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { containers } = engine

  app.post('/commit', { schema: { body: commitBody } }, async (request, reply) => {
    const query = new Query(request)
    const container = containers.get(query.needed('container'))
    const reference = namedByQuery(query)
    const message = query.text('comment')
    const { id } = await container.handle.commit({
      reference,
      author: query.text('author'),
      message,
      changes: query
        .all('changes')
        .flatMap((changes) => changes.split('\n').filter((line) => line.trim() !== '')),
      config: commitConfig(container.document.body, request.body as CommitBody),
      pause: container.isRunning && query.flag('pause', true),
    })
    engine.emitOf(container, 'commit', {
      comment: message ?? '',
      imageID: id,
      imageRef: reference === undefined ? '' : familiar(reference),
    })
    return await reply.code(201).send({ Id: id })
  })

  app.get('/containers/:id/export', async (request, reply) => {
    const container = containers.get((request.params as { id: string }).id)
    const archive = await container.handle.export()
    engine.emitOf(container, 'export', {})
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': 'application/x-tar' })
    await pipeline(archive, reply.raw).catch(() => reply.raw.destroy())
  })
}
