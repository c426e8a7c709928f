import { pipeline } from 'node:stream/promises'
import { formatPlatform, type Platform } from '@ctr/registry'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest } from '../../errors.js'
import { familiar, imageHistory, inspectImage } from '../../translate/image-documents.js'
import { pullProgress, pushProgress } from '../../translate/transfer-progress.js'
import { hasTag, namedByQuery, withTag } from '../image-name.js'
import { JsonLines } from '../json-lines.js'
import { listImages } from '../list-images.js'
import { platformIn, platformsIn } from '../platform.js'
import { Query } from '../query.js'
import { registryAuth } from '../registry-auth.js'
import { archiveOf, withUpload } from '../upload.js'

/** Images. Their names have slashes, so that what follows the name is found here. */
export function imageRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { runtime, images } = engine

  app.get('/images/json', async (request) => await listImages(engine, new Query(request)))

  app.post('/images/create', async (request, reply) => {
    const query = new Query(request)
    const source = query.text('fromSrc')
    if (source !== undefined) return await importImage(source, request, reply)
    const [name, tag, platform] = [query.needed('fromImage'), query.text('tag'), query.text('platform')]
    const credentials = registryAuth(request)
    const lines = new JsonLines(reply)
    const { signal } = lines
    await lines.during(async () => {
      // who names no tag gets all of them: the CLI always names one, `latest` when it was given none
      const isWhole = tag !== undefined || hasTag(name)
      const tags = isWhole ? [tag] : await runtime.images.remote.tags(name, { credentials, signal })
      for (const one of tags) {
        const reference = withTag(name, one)
        const progress = pullProgress(reference, (value) => lines.post(value))
        const { onEvent: onProgress } = progress
        progress.end(await images.pull(reference, { platform, credentials, signal, onProgress }))
      }
    })
    return reply
  })

  app.post('/images/load', async (request, reply) => {
    const platform = platformIn(new Query(request))
    const archive = archiveOf(request)
    const lines = new JsonLines(reply)
    await lines.during(async () => {
      const loaded = await withUpload(archive, (chunks) =>
        runtime.images.load(chunks, { platform, signal: lines.signal }),
      )
      for (const image of loaded) {
        engine.events.emit('image', 'load', image.id, { name: image.id })
        const names = image.loadedNames
        for (const name of names) await lines.send({ stream: `Loaded image: ${familiar(name)}\n` })
        if (names.length === 0) await lines.send({ stream: `Loaded image ID: ${image.id}\n` })
      }
    })
    return reply
  })

  app.get('/images/get', (request, reply) => {
    const query = new Query(request)
    const names = query.all('names').flatMap((each) => each.split(','))
    return save(names, platformIn(query), reply)
  })

  app.get('/images/*', async (request, reply) => {
    const { name, action } = split(request, ['json', 'history', 'get'])
    const query = new Query(request)
    const platform = platformIn(query)
    if (action === 'get') return await save([name], platform, reply)
    const image = await images.get(name, platform)
    return action === 'json'
      ? inspectImage(image, runtime.images.layerSizes(), await runtime.images.list())
      : imageHistory(image, runtime.images.layerSizes())
  })

  app.post('/images/*', async (request, reply) => {
    const { name, action } = split(request, ['tag', 'push'])
    const query = new Query(request)
    if (action === 'tag') {
      await images.tag(name, withTag(query.needed('repo'), query.text('tag')))
      return await reply.code(201).send()
    }
    const reference = withTag(name, query.text('tag'))
    const platform = platformIn(query)
    await images.get(reference, platform)
    const lines = new JsonLines(reply)
    await lines.during(async () => {
      const progress = pushProgress(reference, (value) => lines.post(value))
      const credentials = registryAuth(request)
      const digest = await images.push(reference, {
        platform: platform && formatPlatform(platform),
        credentials,
        signal: lines.signal,
        onProgress: progress.onEvent,
      })
      progress.end(digest)
    })
    return reply
  })

  app.delete('/images/*', async (request) => {
    const name = (request.params as { '*': string })['*']
    const query = new Query(request)
    const platforms = platformsIn(query)
    // what is asked of one platform must not be done to all
    return platforms.length > 0
      ? await images.removePlatforms(name, platforms)
      : await images.remove(name, { force: query.flag('force') })
  })

  /** `POST /images/create?fromSrc`: an archive in the body, or one of the web. */
  async function importImage(
    source: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const query = new Query(request)
    const reference = namedByQuery(query)
    const archive = source === '-' ? archiveOf(request) : undefined
    const lines = new JsonLines(reply)
    const options = {
      reference,
      changes: query.all('changes'),
      message: query.text('message'),
      platform: query.text('platform'),
      signal: lines.signal,
    }
    await lines.during(async () => {
      if (archive === undefined) await lines.send({ status: `Downloading from ${source}` })
      const image =
        archive === undefined
          ? await images.import(source, options)
          : await withUpload(archive, (chunks) => images.import(chunks, options))
      await lines.send({ status: image.id })
    })
    return reply
  }

  async function save(
    names: readonly string[],
    platform: Platform | undefined,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    if (names.length === 0) throw badRequest('missing parameter in the query: names')
    for (const name of names) await images.get(name, platform)
    const archive = await runtime.images.save(names, { platform })
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': 'application/x-tar' })
    await pipeline(archive, reply.raw).catch(() => reply.raw.destroy())
    return reply
  }
}

/** `registry:5000/team/app/json` taken apart. */
function split(
  request: FastifyRequest,
  actions: readonly string[],
): { readonly name: string; readonly action: string } {
  const path = (request.params as { '*': string })['*']
  const at = path.lastIndexOf('/')
  const action = path.slice(at + 1)
  if (at <= 0 || !actions.includes(action)) throw new ApiError(404, 'page not found')
  return { name: path.slice(0, at), action }
}
