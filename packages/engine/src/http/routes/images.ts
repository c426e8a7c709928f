import { pipeline } from 'node:stream/promises'
import { formatPlatform, type Platform, type StoredImage } from '@ctr/registry'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest, notImplemented } from '../../errors.js'
import {
  familiar,
  imageEntry,
  imageHistory,
  inspectImage,
  repoTags,
} from '../../translate/image-documents.js'
import { pullProgress, pushProgress } from '../../translate/transfer-progress.js'
import { hasTag, namedByQuery, withTag } from '../image-name.js'
import { JsonLines } from '../json-lines.js'
import { platformIn } from '../platform.js'
import { Query } from '../query.js'
import { registryAuth } from '../registry-auth.js'
import { untilOf } from '../until-filter.js'
import { archiveOf, withUpload } from '../upload.js'

const filterNames = ['before', 'dangling', 'label', 'reference', 'since', 'until']

/** Milliseconds since 1970; an image that does not say so is as old as can be. */
function createdAt({ config }: StoredImage): number {
  return Date.parse(config.created ?? '1970-01-01T00:00:00Z')
}

/** Images. Their names have slashes, so that what follows the name is found here. */
export function imageRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { runtime, images, containers } = engine

  app.get('/images/json', async (request) => {
    const filters = new Query(request).filters(filterNames)
    const list = await runtime.images.list()
    const timeOf = async (name: 'before' | 'since'): Promise<number | undefined> => {
      const [wanted] = filters.get(name)
      return wanted === undefined ? undefined : createdAt(await images.get(wanted))
    }
    const before = Math.min((await timeOf('before')) ?? Number.POSITIVE_INFINITY, untilOf(filters))
    const since = (await timeOf('since')) ?? Number.NEGATIVE_INFINITY
    const used = (id: string): number =>
      containers.all().filter(({ document }) => document.imageId === id).length
    const sizes = runtime.images.layerSizes()
    return list
      .filter(
        (image) =>
          createdAt(image) < before &&
          createdAt(image) > since &&
          filters.any(
            'dangling',
            (value) => ['1', 'true'].includes(value) === (repoTags(image).length === 0),
          ) &&
          filters.any('reference', (pattern) =>
            repoTags(image).some((tag) => matchesReference(pattern, tag)),
          ) &&
          filters.labels(image.config.config.Labels ?? {}),
      )
      .map((image): Record<string, unknown> => {
        // of an image with several names those that were asked for
        const asked = (tag: string): boolean =>
          filters.any('reference', (pattern) => matchesReference(pattern, tag))
        return { ...imageEntry(image, sizes, list, used(image.id)), RepoTags: repoTags(image).filter(asked) }
      })
      .sort((a, b) => (b['Created'] as number) - (a['Created'] as number))
  })

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
    if (new Query(request).text('platform') !== undefined)
      throw notImplemented('loading one platform of an image is not supported')
    const archive = archiveOf(request)
    const lines = new JsonLines(reply)
    await lines.during(async () => {
      const loaded = await withUpload(archive, (chunks) =>
        runtime.images.load(chunks, { signal: lines.signal }),
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
      : imageHistory(image)
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
    // what is asked of one platform must not be done to all
    if (query.text('platforms') !== undefined)
      throw notImplemented('removing one platform of an image is not supported')
    return await images.remove(name, { force: query.flag('force') })
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

/** A pattern with `*`, for a name with or without its tag. */
function matchesReference(pattern: string, tag: string): boolean {
  const names = [tag, tag.replace(/:[^/:]*$/, '')]
  const parts = pattern.split('*')
  return names.some((name) => matchesParts(name, parts))
}

/** Text between stars, in order. A star does not match a slash. */
function matchesParts(name: string, parts: readonly string[]): boolean {
  let at = 0
  for (const [n, part] of parts.entries()) {
    const found =
      n === 0
        ? name.startsWith(part)
          ? 0
          : -1
        : n === parts.length - 1 && part !== ''
          ? name.lastIndexOf(part)
          : name.indexOf(part, at)
    if (found < at || name.slice(at, found).includes('/')) return false
    at = found + part.length
  }
  return parts.length > 1 && parts.at(-1) === '' ? !name.slice(at).includes('/') : at === name.length
}
