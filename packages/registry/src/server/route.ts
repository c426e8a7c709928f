import { isRepository } from '../reference/parse-reference.js'
import { ApiError } from './api-error.js'
import { deleteBlob, getBlob } from './blob-routes.js'
import { answerJson, type Exchange } from './exchange.js'
import { listReferrers, listRepositories, listTags } from './list-routes.js'
import { deleteManifest, getManifest, putManifest } from './manifest-routes.js'
import { learnUsage, type Registry } from './registry.js'
import { beginUpload, deleteUpload, getUpload, patchUpload, putUpload } from './upload-routes.js'

/** What an endpoint does for each method; `HEAD` is `GET` without a body. */
type Endpoint = Partial<Record<'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', () => Promise<void> | void>>

/** Finds the endpoint of a request (distribution-spec, "Endpoints") and runs it. */
export async function route(registry: Registry, exchange: Exchange): Promise<void> {
  const endpoint = find(registry, exchange)
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  if (registry.isReadOnly && method !== 'GET') {
    throw new ApiError(405, 'UNSUPPORTED', 'the registry is read-only', { allow: 'GET, HEAD' })
  }
  const handle = Object.hasOwn(endpoint, method) ? endpoint[method as keyof Endpoint] : undefined
  if (handle === undefined) {
    const allow = Object.keys(endpoint).join(', ').replace('GET', 'GET, HEAD')
    throw new ApiError(405, 'UNSUPPORTED', 'the endpoint does not take this method', { allow })
  }
  await handle()
}

function find(registry: Registry, exchange: Exchange): Endpoint {
  const path = decodePath(exchange.path)
  if (path === '/v2/' || path === '/v2') return { GET: () => answerJson(exchange, {}) }
  if (path === '/v2/_catalog') return { GET: () => listRepositories(registry, exchange) }

  const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers|tags)\/([^/]*)$/.exec(path)
  const [, name = '', kind, last = ''] = match ?? []
  if (match === null || (kind === 'tags' && last !== 'list')) {
    throw new ApiError(404, 'UNSUPPORTED', 'no such endpoint')
  }
  if (!isRepository(name)) throw new ApiError(400, 'NAME_INVALID', 'invalid repository name')
  const push = (work: () => Promise<void>) => async (): Promise<void> => {
    await learnUsage(registry, name)
    await work()
  }
  if (kind === 'tags') return { GET: () => listTags(registry, exchange, name) }
  if (kind === 'referrers') return { GET: () => listReferrers(registry, exchange, name, last) }
  if (kind === 'manifests') {
    return {
      GET: () => getManifest(registry, exchange, name, last),
      PUT: push(() => putManifest(registry, exchange, name, last)),
      DELETE: () => deleteManifest(registry, exchange, name, last),
    }
  }
  // the slash behind `uploads` may be missing
  if (kind === 'blobs' ? last === 'uploads' : last === '') {
    return { POST: push(() => beginUpload(registry, exchange, name)) }
  }
  if (kind === 'blobs') {
    return {
      GET: () => getBlob(registry, exchange, name, last),
      DELETE: () => deleteBlob(registry, exchange, name, last),
    }
  }
  return {
    GET: () => getUpload(registry, exchange, name, last),
    PATCH: push(() => patchUpload(registry, exchange, name, last)),
    PUT: push(() => putUpload(registry, exchange, name, last)),
    DELETE: () => deleteUpload(registry, exchange, name, last),
  }
}

/** Some clients write the colon of a digest as `%3A`. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new ApiError(400, 'NAME_INVALID', 'the path is not percent-encoded UTF-8')
  }
}
