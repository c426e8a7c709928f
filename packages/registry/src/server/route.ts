import { isRepository } from '../reference/parse-reference.js'
import { ApiError } from './api-error.js'
import {
  beginUpload,
  deleteBlob,
  deleteUpload,
  getBlob,
  getUpload,
  patchUpload,
  putUpload,
  type BlobContext,
} from './blob-routes.js'
import { answerJson, type Exchange } from './exchange.js'
import { deleteManifest, getManifest, listRepositories, listTags, putManifest } from './manifest-routes.js'

/** What an endpoint does for each method; `HEAD` is `GET` without a body. */
type Endpoint = Partial<Record<'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', () => Promise<void> | void>>

/** Finds the endpoint of a request (distribution-spec, "Endpoints") and runs it. */
export async function route(context: BlobContext, exchange: Exchange): Promise<void> {
  const endpoint = find(context, exchange)
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  const handle = Object.hasOwn(endpoint, method) ? endpoint[method as keyof Endpoint] : undefined
  if (handle === undefined) throw new ApiError(405, 'UNSUPPORTED', 'the endpoint does not take this method')
  await handle()
}

function find(context: BlobContext, exchange: Exchange): Endpoint {
  const { repositories } = context
  const path = decodePath(exchange.path)
  if (path === '/v2/' || path === '/v2') return { GET: () => answerJson(exchange, {}) }
  if (path === '/v2/_catalog') return { GET: () => listRepositories(repositories, exchange) }

  const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags)\/([^/]*)$/.exec(path)
  const [, name = '', kind, last = ''] = match ?? []
  if (match === null || (kind === 'tags' && last !== 'list')) {
    throw new ApiError(404, 'UNSUPPORTED', 'no such endpoint')
  }
  if (!isRepository(name)) throw new ApiError(400, 'NAME_INVALID', 'invalid repository name')
  if (kind === 'tags') return { GET: () => listTags(repositories, exchange, name) }
  if (kind === 'manifests') {
    return {
      GET: () => getManifest(repositories, exchange, name, last),
      PUT: () => putManifest(repositories, exchange, name, last),
      DELETE: () => deleteManifest(repositories, exchange, name, last),
    }
  }
  // the slash behind `uploads` may be missing
  if (kind === 'blobs' ? last === 'uploads' : last === '') {
    return { POST: () => beginUpload(context, exchange, name) }
  }
  if (kind === 'blobs') {
    return {
      GET: () => getBlob(context, exchange, name, last),
      DELETE: () => deleteBlob(context, exchange, name, last),
    }
  }
  return {
    GET: () => getUpload(context, exchange, name, last),
    PATCH: () => patchUpload(context, exchange, name, last),
    PUT: () => putUpload(context, exchange, name, last),
    DELETE: () => deleteUpload(context, exchange, name, last),
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
